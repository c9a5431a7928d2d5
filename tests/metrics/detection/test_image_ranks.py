from densefit.metrics.detection.image_ranks import image_ranks


def test_ids_that_float32_cannot_hold_stay_apart():
    assert image_ranks(["900100581905", "900100581904"]).tolist() == [1, 0]
    assert image_ranks(["007", "7", "x/1", ""]).tolist() == [0, 1, 3, 2]


def test_ids_below_zero_go_by_value_too():
    assert image_ranks(["-1", "3", "-10", "-", "-x"]).tolist() == [1, 2, 0, 3, 4]
