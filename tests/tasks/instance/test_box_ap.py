import numpy as np

from densefit.metrics import COCOAveragePrecision
from densefit.tasks.instance.box_ap import BoxAveragePrecision


def test_has_the_numbers_of_coco_under_names_of_its_own():
    rng = np.random.default_rng(0)
    boxes = rng.random((6, 4)) * 20 + (0, 0, 20, 20)
    truth = {"boxes": boxes, "classes": rng.integers(0, 2, 6)}
    found = {**truth, "boxes": boxes + rng.normal(0, 2, (6, 4)), "scores": rng.random(6)}
    own, other = BoxAveragePrecision(2), COCOAveragePrecision(2)
    for metric in (own, other):
        metric.update([found], [truth], ["a"])
    expected = {f"box_{name}": value for name, value in other.compute().items()}
    np.testing.assert_equal(own.compute(), expected)
    np.testing.assert_equal(own.resampled({"a": 1}), expected)
    assert own.primary in expected
    assert 0 < expected["box_AP"] < 1
