"""Which anchors learn which masks."""

import numpy as np
import pytest

from densefit.tasks.instance.targets import (
    box_windows,
    has_visible_cells,
    mask_targets,
    sample_cells,
    select_anchors,
)


@pytest.mark.parametrize(("height", "width", "stride"), [(8, 12, 4), (9, 13, 4), (7, 10, 2)])
def test_cells_take_the_id_at_their_centre(height, width, stride):
    instances = np.arange(height * width).reshape(height, width).astype(np.uint16)
    cells = sample_cells(instances, stride)
    assert cells.shape == (-(-height // stride), -(-width // stride))
    for (row, column), value in np.ndenumerate(cells):
        y = min(row * stride + stride // 2, height - 1)
        x = min(column * stride + stride // 2, width - 1)
        assert value == instances[y, x]


def test_windows_are_the_cells_that_boxes_touch():
    boxes = np.array([[0, 0, 4, 4], [3.9, 4, 8.1, 5], [30, 20, 33, 24], [33, 0, 33, 1]], np.float32)
    expected = [[0, 0, 1, 1], [0, 1, 3, 2], [7, 5, 8, 6], [7, 0, 8, 1]]
    np.testing.assert_array_equal(box_windows(boxes, 4, (6, 8)), expected)


def test_objects_without_a_cell_teach_no_mask():
    cells = np.array([[0, 5, 5, 0], [0, 0, 7, 0]])
    windows = np.array([[0, 0, 2, 2], [3, 0, 4, 2], [0, 0, 4, 2], [0, 0, 4, 2]])
    np.testing.assert_array_equal(
        has_visible_cells(cells, windows, np.array([5, 5, 9, 0])), [True, False, False, False]
    )
    assert has_visible_cells(cells, np.zeros((0, 4), int), np.zeros(0, int)).shape == (0,)


def test_every_object_s_first_anchor_goes_before_any_second():
    matched = np.array([1, 0, 1, 2, -1, 1, 3, 2, 4, 1])
    useful = np.array([True, True, True, False])
    for seed in range(5):
        for limit, counts in ((3, [1, 1, 1]), (4, None), (20, [4, 2, 1])):
            found = select_anchors(matched, useful, limit, seed)
            assert len(set(found)) == len(found) == min(limit, 7)
            boxes = matched[found]
            assert set(boxes[:3]) == {1, 2, 3}
            if counts:
                assert np.bincount(boxes, minlength=4)[1:4].tolist() == counts


def test_all_anchors_have_their_chance():
    matched = np.arange(1, 41)
    chances = [select_anchors(matched, np.ones(40, bool), 10, seed) for seed in range(60)]
    assert len(np.unique(np.concatenate(chances))) == 40
    np.testing.assert_array_equal(chances[3], select_anchors(matched, np.ones(40, bool), 10, 3))


def test_targets_say_which_anchor_learns_which_object():
    cells = np.zeros((6, 8), np.uint16)
    cells[1:3, 1:4], cells[3:5, 5:7] = 300, 2
    boxes = np.array([[4, 4, 16, 12], [20, 12, 28, 20], [0, 20, 4, 24]], np.float32)
    ids = np.array([300, 2, 9])
    matched = np.zeros(30, np.int64)
    matched[[3, 17, 20, 25]] = [1, 2, 1, 3]
    made = mask_targets(matched, boxes, ids, cells, 4, 5)
    rows = {
        int(anchor): (owner, window.tolist())
        for anchor, owner, window in zip(made["anchor"], made["owner"], made["window"])
        if owner
    }
    assert rows == {
        3: (300, [1, 1, 4, 3]),
        20: (300, [1, 1, 4, 3]),
        17: (2, [5, 3, 7, 5]),
    }
    assert made["owner"].shape == (5,)
    assert all(array.dtype == np.float32 for array in made.values())
