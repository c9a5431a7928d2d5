"""How targets follow a map, told by numbers alone; pictures follow in test_move and test_warp."""

import numpy as np
import pytest

from densefit.data.geometry.image_ops import crop
from densefit.data.geometry.transform_targets import clip_boxes, transform_targets
from densefit.data.homography import project
from densefit.data.sample import Sample
from densefit.errors import DataError

H, W = 48, 64
COS, SIN = np.cos(0.5), np.sin(0.5)
TURN = np.array([[COS, -SIN, 20.0], [SIN, COS, -8.0]])
LOOK = np.array([[0.9, 0.1, 3.0], [-0.05, 0.8, 5.0], [1e-3, -2e-3, 1.0]])


def after(matrix, **targets):
    sample = Sample("s", np.zeros((H, W, 3), np.uint8), targets)
    return transform_targets(sample, sample.image, matrix, lambda array, kind: array).targets


def objects(x1, y1, x2, y2, box):
    instances = np.zeros((H, W), np.uint16)
    instances[y1:y2, x1:x2] = 1
    return {
        "boxes": np.array([box], np.float32),
        "instances": instances,
        "instance_ids": np.array([1]),
    }


def test_the_box_of_a_turned_object_is_around_the_object():
    """A disc: the box around it is as large turned as not; that around its corners is larger."""
    y, x = np.mgrid[:H, :W] + 0.5
    disc = ((x - 30) ** 2 + (y - 24) ** 2 < 100).astype(np.uint16)
    targets = {
        "boxes": np.array([[20, 14, 40, 34]], np.float32),
        "instances": disc,
        "instance_ids": np.array([1]),
    }
    x1, y1, x2, y2 = after(TURN, **targets)["boxes"][0]
    assert (x2 - x1, y2 - y1) == pytest.approx((20, 20), abs=1)
    del targets["instances"]
    x1, y1, x2, y2 = after(TURN, **targets)["boxes"][0]
    assert (x2 - x1, y2 - y1) == pytest.approx((20 * (COS + SIN),) * 2, abs=1e-4)


def test_an_object_that_others_hide_keeps_the_box_around_its_corners():
    """Its pixels tell less than its box."""
    part = objects(20, 20, 26, 30, box=[20, 20, 40, 30])
    x1, _, x2, _ = after(TURN, **part)["boxes"][0]
    assert x2 - x1 == pytest.approx(20 * COS + 10 * SIN, abs=1e-4)
    whole = objects(20, 20, 26, 30, box=[20, 20, 26, 30])
    x1, _, x2, _ = after(TURN, **whole)["boxes"][0]
    assert x2 - x1 == pytest.approx(6 * COS + 10 * SIN, abs=1e-4)


def test_objects_without_pixels_or_without_an_id_keep_their_corners():
    for ids in ([0], [9]):
        targets = {**objects(20, 20, 26, 30, [20, 20, 26, 30]), "instance_ids": np.array(ids)}
        x1, _, x2, _ = after(TURN, **targets)["boxes"][0]
        assert x2 - x1 == pytest.approx(6 * COS + 10 * SIN, abs=1e-4)


def test_areas_follow_a_perspective_at_each_object():
    boxes = np.array([[4, 4, 6, 6], [50, 30, 52, 32]], np.float32)
    found = after(LOOK, boxes=boxes, area=np.array([4.0, 4.0], np.float32))["area"]
    for (x1, y1, x2, y2), area in zip(boxes, found):
        x, y = project(np.array([[x1, y1], [x2, y1], [x2, y2], [x1, y2]]), LOOK).T
        assert area == pytest.approx(0.5 * abs(x @ np.roll(y, 1) - y @ np.roll(x, 1)), rel=1e-3)


def test_hands_change_places_in_a_mirror_however_it_is_turned():
    points = np.array([[[20, 20, 2], [30, 22, 1]]], np.float32)
    targets = {
        "boxes": np.array([[18, 18, 32, 32]], np.float32),
        "keypoints": points,
        "keypoint_flip": np.array([1, 0]),
    }
    turned = after(TURN, **targets)["keypoints"][0]
    np.testing.assert_allclose(turned[:, :2], project(points[0, :, :2], TURN), rtol=1e-5)
    np.testing.assert_array_equal(turned[:, 2], [2, 1])
    flip = TURN @ np.array([[-1.0, 0, W], [0, 1, 0], [0, 0, 1]])
    mirrored = after(flip, **targets)["keypoints"][0]
    np.testing.assert_allclose(mirrored[:, :2], project(points[0, ::-1, :2], flip), rtol=1e-5)
    np.testing.assert_array_equal(mirrored[:, 2], [1, 2])


def test_vectors_turn_by_the_rotation_and_cannot_follow_a_perspective():
    normals = np.tile(np.float32([0.6, 0.0, 0.8]), (H, W, 1))
    found = after(1.7 * TURN, normals=normals)["normals"][5, 5]
    np.testing.assert_allclose(found, [0.6 * COS, 0.6 * SIN, 0.8], rtol=1e-6)
    with pytest.raises(DataError, match=r"'normals'[\s\S]*random_affine"):
        after(LOOK, normals=normals)


def test_boxes_are_clipped_and_dropped():
    boxes = np.array([[-9, 0, 10, 10], [-11, 0, 10, 10], [5, 5, 5.5, 9], [60, 40, 70, 50.0]])
    stay, keep = clip_boxes(boxes, 48, 65)
    np.testing.assert_array_equal(keep, [True, False, False, True])
    np.testing.assert_array_equal(stay, [[0, 0, 10, 10], [60, 40, 65, 48]])


def test_the_rest_of_a_crowd_stays_wherever_its_centre_is():
    boxes = np.array([[-90, 0, 1, 10], [-90, 0, 0.9, 10], [60, -80, 70, 5], [-9, 0, -4, 9.0]])
    _, keep = clip_boxes(boxes, 48, 65)
    assert not keep.any()
    stay, keep = clip_boxes(boxes, 48, 65, np.ones(4, bool))
    np.testing.assert_array_equal(keep, [True, False, True, False])
    np.testing.assert_array_equal(stay, [[0, 0, 1, 10], [60, 0, 65, 5]])
    _, keep = clip_boxes(boxes, 48, 65, np.array([False, False, True, False]))
    np.testing.assert_array_equal(keep, [False, False, True, False])


@pytest.mark.parametrize("seed", range(40))
def test_what_lies_in_a_crowd_lies_in_a_crowd_after_any_crop(seed):
    """Else it would be background there; what is no crowd goes by its centre, one by one."""
    rng = np.random.default_rng(seed)
    count = int(rng.integers(1, 7))
    corners = rng.integers(0, (W, H), (count, 2))
    boxes = np.hstack([corners, corners + rng.integers(1, 40, (count, 2))])
    boxes = boxes.clip(0, (W, H, W, H)).astype(np.float32)
    crowd = rng.random(count) < 0.6
    groups = np.zeros((H, W), np.uint8)
    for x1, y1, x2, y2 in boxes[crowd].astype(int):
        groups[y1:y2, x1:x2] = 1
    targets = {
        "boxes": boxes,
        "crowd": crowd,
        "classes": np.arange(count),
        "instance_ids": 1 + np.arange(count),
        "keypoints": np.zeros((count, 2, 3), np.float32),
        "mask": groups,
    }
    left, top = (int(v) for v in rng.integers(-20, (W - 5, H - 5)))
    width, height = (int(v) for v in rng.integers(5, 60, 2))
    after = crop(Sample("s", np.zeros((H, W, 3), np.uint8), targets), left, top, width, height)
    found = np.zeros((height, width), np.uint8)
    for x1, y1, x2, y2 in after.targets["boxes"][after.targets["crowd"]].astype(int):
        found[y1:y2, x1:x2] = 1
    np.testing.assert_array_equal(found, after.targets["mask"] == 1)
    stay = []
    for row, (x1, y1, x2, y2) in enumerate(boxes - (left, top, left, top)):
        inside = 0 <= (x1 + x2) / 2 <= width and 0 <= (y1 + y2) / 2 <= height
        rest = min(x2, width) - max(x1, 0), min(y2, height) - max(y1, 0)
        if min(rest) >= 1 and (crowd[row] or inside):
            stay.append(row)
    for name in ("crowd", "classes", "instance_ids", "keypoints"):
        np.testing.assert_array_equal(after.targets[name], targets[name][stay], err_msg=name)


def test_difficult_objects_go_by_their_centre():
    """Heads learn them unless told otherwise."""
    boxes = np.array([[-30, 0, 20, 20]], np.float32)
    targets = {"boxes": boxes, "difficult": np.array([True]), "crowd": np.array([False])}
    assert len(after(np.eye(2, 3), **targets)["boxes"]) == 0
    assert len(after(np.eye(2, 3), **{**targets, "crowd": np.array([True])})["boxes"]) == 1


def test_crowds_that_are_not_told_for_each_box_are_an_error():
    targets = {"boxes": np.zeros((2, 4), np.float32), "crowd": np.zeros(3, bool)}
    with pytest.raises(DataError, match=r"'crowd'[\s\S]*2 rows"):
        after(np.eye(2, 3), **targets)
