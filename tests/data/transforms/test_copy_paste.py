import numpy as np
import pytest

from densefit.data.geometry.instance_map import extents
from densefit.data.sample import Sample
from densefit.data.transforms.copy_paste import CopyPaste
from densefit.data.transforms.extra_samples import draw_from
from densefit.datasets import Shapes
from densefit.errors import ConfigError, DataError

DATA = Shapes(12, size=(48, 60), empty=0.0, max_objects=6, keypoints=True)


def made(seed, **settings):
    rng = np.random.default_rng(seed)
    step = CopyPaste(**{"p": 1.0, "drop": ["label"], **settings})
    return step(DATA[seed % 12], rng, draw_from(DATA, seed % 12, rng))


@pytest.mark.parametrize("seed", range(24))
def test_boxes_masks_and_instances_agree(seed):
    after = made(seed)
    targets = after.targets
    ids, around = extents(targets["instances"])
    assert (targets["instance_ids"] > 0).all()
    assert len(np.unique(targets["instance_ids"])) == len(targets["boxes"])
    for box, one, kind in zip(targets["boxes"], targets["instance_ids"], targets["classes"]):
        inner = around[list(ids).index(one)]
        cut = (box <= 0).any() or (box[2:] >= (60, 48)).any()  # then it may be wider than needed
        if not cut:
            np.testing.assert_allclose(box, inner, atol=1.5)
        assert set(targets["mask"][targets["instances"] == one]) == {kind + 1}
    before = DATA[seed % 12]
    # Where the picture is as it was, so is the mask; but for a grain that came out alike.
    old = (after.image == before.image).all(axis=2)
    assert ((targets["mask"] != before.targets["mask"]) & old).mean() < 0.01
    assert old.mean() > 0.2


def block(boxes, size=40, value=0, extra=()):
    """Squares, one instance each, of class 0."""
    instances = np.zeros((size, size), np.uint16)
    for number, (x1, y1, x2, y2) in enumerate(boxes):
        instances[y1:y2, x1:x2] = number + 1
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    targets = {
        "boxes": boxes,
        "classes": np.zeros(len(boxes), np.int64),
        "area": (boxes[:, 2:] - boxes[:, :2]).prod(axis=1),
        "instances": instances,
        "instance_ids": np.arange(1, len(boxes) + 1),
        **dict(extra),
    }
    return Sample("b", np.full((size, size, 3), value, np.uint8), targets)


def pasted(below, above, **settings):
    """With factors of 1 and equal sizes, everything is pasted where it was."""
    step = CopyPaste(1.0, 1.0, 1.0, **settings)
    return step(below, np.random.default_rng(0), lambda count: [above])


def test_what_is_covered_in_part_shrinks_and_what_is_covered_goes():
    below = block([(2, 2, 12, 12), (20, 20, 30, 30), (4, 30, 8, 34)], value=10)
    after = pasted(below, block([(8, 0, 33, 40)], value=200)).targets
    np.testing.assert_array_equal(after["boxes"], [[2, 2, 8, 12], [4, 30, 8, 34], [8, 0, 33, 40]])
    np.testing.assert_array_equal(after["area"], [60, 16, 1000])


def test_how_much_must_be_left():
    below, above = block([(0, 0, 10, 10)]), block([(2, 0, 40, 40)])  # a fifth is left
    assert len(pasted(below, above, visible=0.19).targets["boxes"]) == 2
    assert len(pasted(below, above, visible=0.21).targets["boxes"]) == 1


def test_what_is_left_of_a_crowd_stays_however_little():
    above = block([(2, 0, 40, 40)], extra={"crowd": np.array([False])})
    for crowd in (False, True):
        below = block([(0, 0, 10, 10), (10, 10, 20, 20)], extra={"crowd": np.full(2, crowd)})
        after = pasted(below, above, visible=0.5).targets
        expected = [[0, 0, 2, 10]] if crowd else []
        np.testing.assert_array_equal(after["boxes"], [*expected, [2, 0, 40, 40]])
        np.testing.assert_array_equal(after["crowd"], [*([True] if crowd else []), False])


def test_pixels_come_from_the_picture_on_top_and_edges_may_be_soft():
    below, above = block([], value=10), block([(10, 10, 30, 30)], value=200)
    sharp = pasted(below, above).image[..., 0]
    expected = np.full((40, 40), 10)
    expected[10:30, 10:30] = 200
    np.testing.assert_array_equal(sharp, expected)
    soft = pasted(below, above, blend=1.5).image[..., 0]
    assert soft[20, 20] == 200
    assert soft[0, 0] == 10
    assert 60 < soft[20, 10] < 180


def test_covered_keypoints_are_hidden_and_pasted_ones_come_along():
    def points(*rows):
        return {"keypoints": np.float32([rows]), "keypoint_flip": np.arange(2)}.items()

    below = block([(0, 0, 20, 20)], extra=points((5, 5, 2), (15, 15, 2)))
    above = block([(10, 10, 30, 30)], extra=points((12, 12, 2), (0, 0, 0)))
    after = pasted(below, above).targets["keypoints"]
    np.testing.assert_array_equal(after, [[[5, 5, 2], [15, 15, 1]], [[12, 12, 2], [0, 0, 0]]])


def test_crowds_are_not_pasted_and_other_maps_are():
    depth = np.full((40, 40), 3, np.float32)
    below = block([(0, 0, 5, 5)], extra={"depth": depth, "crowd": np.array([False])}.items())
    above = block(
        [(10, 10, 20, 20), (30, 30, 40, 40)],
        extra={"depth": 2 * depth, "crowd": np.array([True, False])}.items(),
    )
    after = pasted(below, above).targets
    np.testing.assert_array_equal(after["boxes"], [[0, 0, 5, 5], [30, 30, 40, 40]])
    expected = depth.copy()
    expected[30:, 30:] = 6
    np.testing.assert_array_equal(after["depth"], expected)


def test_samples_without_instances_stay_as_they_are():
    bare = Sample("s", np.zeros((40, 40, 3), np.uint8), {"boxes": np.zeros((0, 4), np.float32)})
    assert pasted(bare, block([(0, 0, 9, 9)])) is bare
    whole = block([(0, 0, 9, 9)])
    assert pasted(whole, bare) is whole


def test_each_object_comes_by_one_half_and_at_least_one_does():
    counts = []
    above = block([(0, 0, 9, 9), (20, 20, 30, 30)])
    for seed in range(200):
        step = CopyPaste(1.0, 1.0, 1.0)
        after = step(block([]), np.random.default_rng(seed), lambda count: [above])
        counts.append(len(after.targets["boxes"]))
    assert set(counts) == {1, 2}
    assert 25 < counts.count(2) < 75


def test_objects_that_lie_outside_are_not_pasted():
    """Laid at three times the size, an object at an edge is often cut off; then nothing comes."""
    counts = []
    above = block([(0, 16, 8, 24)])
    for seed in range(60):
        step = CopyPaste(1.0, 3.0, 3.0)
        after = step(block([]), np.random.default_rng(seed), lambda count: [above])
        counts.append(len(after.targets["boxes"]))
        assert bool(counts[-1]) == bool((after.targets["instances"] != 0).any())
    assert set(counts) == {0, 1}


@pytest.mark.parametrize("name", ["label", "labels"])
def test_classes_of_the_whole_picture_must_be_dropped(name):
    samples = [block([(0, 0, 9, 9)], extra={name: np.ones(3, np.int64)}.items()) for _ in range(2)]
    with pytest.raises(DataError, match=rf"'{name}'[\s\S]*drop"):
        pasted(*samples)
    assert name not in pasted(*samples, drop=[name]).targets


def test_bad_settings():
    with pytest.raises(ConfigError, match="CopyPaste"):
        CopyPaste(low=0)
    with pytest.raises(ConfigError, match="visible"):
        CopyPaste(visible=2)
