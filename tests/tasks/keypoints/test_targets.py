import itertools

import numpy as np
import pytest

from densefit.tasks.keypoints.targets import add_gaussian, empty_targets, gaussian_radius, targets

SIZE, STRIDE = (12, 16), 4


def iou(a, b):
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:], b[2:])
    shared = np.prod(np.maximum(high - low, 0))
    return shared / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - shared)


@pytest.mark.parametrize("overlap", [0.3, 0.5, 0.7])
@pytest.mark.parametrize("size", [(20, 20), (10, 40), (7, 5), (100, 3), (1, 1)])
def test_corners_within_the_radius_keep_the_overlap(size, overlap):
    height, width = size
    box, radius = np.array([0.0, 0.0, width, height]), gaussian_radius(height, width, overlap)

    def worst(reach):
        moves = itertools.product((-reach, 0.0, reach), repeat=4)
        return min(iou(box, box + np.array(move)) for move in moves)

    assert radius > 0
    # moved alike in both directions, as the paper has it, the overlap is just reached
    alike = [(-1, -1, 1, 1), (1, 1, -1, -1), (1, 1, 1, 1)]
    least = min(iou(box, box + radius * np.array(move)) for move in alike)
    np.testing.assert_allclose(least, overlap, atol=1e-9)
    assert worst(radius) >= overlap - 1e-9
    assert worst(radius * 1.05) < overlap


def test_a_bump_is_the_formula_and_keeps_what_is_higher():
    heat = np.zeros((9, 11), np.float32)
    heat[2, 3] = 0.9
    add_gaussian(heat, (3, 4), 2)
    sigma = 5 / 6
    for row, column in np.ndindex(heat.shape):
        away = (row - 3) ** 2 + (column - 4) ** 2
        near = max(abs(row - 3), abs(column - 4)) <= 2
        expected = np.exp(-away / (2 * sigma**2)) if near else 0.0
        expected = max(expected, 0.9) if (row, column) == (2, 3) else expected
        np.testing.assert_allclose(heat[row, column], expected, rtol=1e-6)
    add_gaussian(heat, (0, 10), 3)  # over the corner
    assert heat[0, 10] == 1
    add_gaussian(heat, (8, 0), 0)
    assert heat[8, 0] == 1
    assert heat[7, 0] == 0


def made(boxes, points, labels=None, crowd=None, limit=3, known=None):
    count = len(boxes)
    labels = np.zeros(count, int) if labels is None else np.array(labels)
    crowd = np.zeros(count, bool) if crowd is None else np.array(crowd)
    points = np.array(points, np.float32)
    return targets(
        np.array(boxes, np.float32), labels, points, crowd, SIZE, STRIDE, 2, limit, known
    )


def test_the_targets_lead_back_to_the_objects():
    rng = np.random.default_rng(0)
    low = rng.uniform(0, 20, (3, 2))
    boxes = np.concatenate([low, low + rng.uniform(4, 28, (3, 2))], axis=1)
    points = np.concatenate([rng.uniform(0, 48, (3, 4, 2)), np.full((3, 4, 1), 2)], axis=2)
    points[1, 2] = 0
    found = made(boxes, points, [0, 1, 0])
    sides = boxes[:, 2:] - boxes[:, :2]
    for row, index in enumerate(np.argsort(-sides.prod(axis=1))):
        cell = int(found["cell"][row])
        start = np.array([cell % SIZE[1], cell // SIZE[1]])
        centre = (start + found["box"][row, :2]) * STRIDE
        np.testing.assert_allclose(centre, (boxes[index, :2] + boxes[index, 2:]) / 2, rtol=1e-5)
        np.testing.assert_allclose(found["box"][row, 2:] * STRIDE, sides[index], rtol=1e-5)
        assert ((found["box"][row, :2] >= 0) & (found["box"][row, :2] < 1)).all()
        assert found["centre"][[0, 1, 0][index]].ravel()[cell] == 1
        shown = points[index, :, 2] > 0
        np.testing.assert_array_equal(found["place"][row, :, 2], shown)
        back = (start + found["place"][row, :, :2]) * STRIDE
        np.testing.assert_allclose(back[shown], points[index, shown, :2], rtol=1e-4)
        for joint in np.flatnonzero(shown):
            x, y = (points[index, joint, :2] // STRIDE).astype(int)
            assert found["joint"][joint, y, x] == 1
    assert (found["joint"] == 1).sum(axis=(1, 2)).tolist() == [3, 3, 2, 3]
    assert (found["centre"] == 1).sum(axis=(1, 2)).tolist() == [2, 1]
    assert found["mask"].all()


def test_crowds_and_objects_without_labels_are_ignored():
    shown, hidden = [[5, 5, 2], [9, 9, 1]], [[0, 0, 0]] * 2
    boxes = [[2, 2, 14, 14], [20, 4, 30, 17], [33, 33, 60, 47]]
    found = made(boxes, [shown, hidden, shown], crowd=[False, False, True])
    assert (found["centre"] == 1).sum() == 1
    assert (found["cell"] >= 0).sum() == 1
    expected = np.ones(SIZE)
    expected[1:5, 5:8] = 0  # every cell that a box touches
    expected[8:12, 8:15] = 0
    np.testing.assert_array_equal(found["mask"], expected)


def test_no_objects_train_the_background_and_nothing_trains_nothing():
    found = made(np.zeros((0, 4)), np.zeros((0, 2, 3)))
    assert found["mask"].all()
    empty = empty_targets(SIZE, 2, found["joint"].shape[0], 3)
    assert {k: v.shape for k, v in empty.items()} == {k: v.shape for k, v in found.items()}
    assert not empty["mask"].any()
    for one in (found, empty):
        assert not one["centre"].any()
        assert (one["cell"] == -1).all()


def test_of_too_many_the_largest_are_learned_and_all_are_shown():
    boxes = [[0, 0, side, side] for side in (8, 30, 20, 40)]
    found = made(boxes, [[[4, 4, 2]]] * 4, limit=2)
    np.testing.assert_allclose(found["box"][:, 2] * STRIDE, [40, 30])
    assert (found["centre"] == 1).sum() == 4


def test_a_point_on_the_far_edge_is_in_the_last_cell():
    found = made([[60, 44, 64, 48]], [[[64, 48, 2]]])
    assert found["joint"][0, 11, 15] == 1
    np.testing.assert_allclose(found["place"][0, 0], [1, 1, 1])


def test_where_a_class_is_unknown_only_the_boxes_of_the_others_have_no_joints_for_sure():
    boxes = [[8, 8, 24, 20], [40, 0, 64, 16], [-40, -40, -20, -20]]
    points = np.full((3, 2, 3), 12.0)
    points[1:, :, 2] = 0  # the second and the third are ignored
    all_known = made(boxes, points, known=np.array([True, True]))
    for found in (made(boxes, points), all_known):
        np.testing.assert_array_equal(found["joint_mask"], found["mask"])
        assert found["mask"].sum() == 12 * 16 - 6 * 4
    some = made(boxes, points, known=np.array([True, False]))
    np.testing.assert_array_equal(some["mask"], all_known["mask"])
    expected = np.zeros(SIZE)
    expected[2:5, 2:6] = 1
    np.testing.assert_array_equal(some["joint_mask"], expected)
    none = made(np.zeros((0, 4)), np.zeros((0, 2, 3)), known=np.array([True, False]))
    assert not none["joint_mask"].any()
    assert none["mask"].all()
