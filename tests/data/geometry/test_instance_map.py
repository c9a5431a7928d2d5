import numpy as np
import pytest

from densefit.data.geometry.image_ops import crop, resize
from densefit.data.geometry.instance_map import NONE, UNKNOWN, extents, tighten_boxes
from densefit.datasets import Shapes


def maps():
    rng = np.random.default_rng(0)
    yield rng.integers(0, 4, (7, 9)).astype(np.uint16)  # objects of many parts
    yield np.where(rng.random((6, 5)) < 0.4, UNKNOWN, 3).astype(np.uint16)
    yield np.full((4, 3), 400, np.uint16)
    yield np.zeros((4, 3), np.uint16)
    yield np.ascontiguousarray(rng.integers(0, 3, (5, 8)).astype(np.uint16).T)[:, ::-1]
    yield Shapes(1, size=(48, 60), empty=0.0)[0].targets["instances"]


@pytest.mark.parametrize("instances", maps())
def test_extents_are_those_of_each_object_s_pixels(instances):
    ids, boxes = extents(instances)
    wanted = [one for one in np.unique(instances) if one not in (NONE, UNKNOWN)]
    np.testing.assert_array_equal(ids, wanted)
    for one, (x1, y1, x2, y2) in zip(ids, boxes):
        rows, columns = np.nonzero(instances == one)
        assert (x1, y1) == (columns.min(), rows.min())
        assert (x2, y2) == (columns.max() + 1, rows.max() + 1)


def test_what_a_crop_cut_shrinks_to_what_is_left():
    """An L: the window holds its foot, and the clipped box the empty corner beside its leg."""
    sample = Shapes(1, size=(40, 40), empty=0.0)[0]
    instances = np.zeros((40, 40), np.uint16)
    instances[4:36, 4:8] = instances[28:36, 4:36] = 9
    boxes = np.array([[4, 4, 36, 36], [10, 6, 20, 16]], np.float32)
    sample.targets = {"boxes": boxes, "instances": instances, "instance_ids": np.array([9, 5])}
    window = crop(sample, 10, 2, 30, 38)
    clipped = window.targets["boxes"]
    np.testing.assert_array_equal(clipped, [[0, 2, 26, 34], [0, 4, 10, 14]])
    tight = tighten_boxes(clipped, window.targets["instances"], window.targets["instance_ids"])
    np.testing.assert_array_equal(tight, [[0, 25, 26, 34], [0, 4, 10, 14]])  # a pixel is left


def test_whole_objects_and_boxes_without_an_id_are_left_alone():
    sample = Shapes(1, size=(60, 60), empty=0.0)[0].targets
    boxes = sample["boxes"]
    np.testing.assert_array_equal(
        tighten_boxes(boxes, sample["instances"], sample["instance_ids"]), boxes
    )
    edge = np.array([[0, 0, 30, 30]], np.float32)
    empty = np.zeros((30, 30), np.uint16)
    np.testing.assert_array_equal(tighten_boxes(edge, empty, np.array([NONE])), edge)
    assert tighten_boxes(np.zeros((0, 4)), empty, np.zeros(0, np.int64)).shape == (0, 4)


def test_whole_masks_go_with_their_boxes_and_stay_those_of_the_original():
    sample = Shapes(1, size=(40, 40), empty=0.0)[0]
    masks = np.empty(3, object)
    masks[:] = [{"size": [40, 40], "counts": text} for text in "abc"]
    sample.targets = {
        "boxes": np.array([[0, 0, 6, 6], [20, 20, 38, 38], [2, 30, 8, 36]], np.float32),
        "instance_ids": np.array([3, 2, 1]),
        "instance_masks": masks,
    }
    window = resize(crop(sample, 10, 10, 30, 30), 60, 60)
    assert list(window.targets["instance_masks"]) == [{"size": [40, 40], "counts": "b"}]
    np.testing.assert_array_equal(window.targets["instance_ids"], [2])
