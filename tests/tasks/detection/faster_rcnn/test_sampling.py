"""Matching and sampling of proposals."""

import numpy as np
import pytest

from densefit.symbol import sym
from densefit.tasks.detection.faster_rcnn.sampling import match, sample, unit_where, with_truth
from densefit.tasks.detection.faster_rcnn.truth import CROWD, IGNORED, NO_BOX
from tests.executor import compute

TRUTH = np.array(
    [
        [[0, 0, 20, 20, 2], [50, 50, 70, 70, 0], [0, 0, 0, 0, NO_BOX]],
        [[0, 0, 20, 20, IGNORED], [40, 40, 99, 99, CROWD], [40, 40, 60, 60, 1]],
    ],
    np.float32,
)
BOXES = np.array(
    [[0, 0, 20, 18], [52, 50, 70, 70], [0, 0, 20, 9], [80, 80, 90, 90], [40, 40, 60, 58]],
    np.float32,
)


def matched(used=(1, 1, 1, 1, 1)):
    values = {
        "boxes": np.stack([BOXES] * 2),
        "used": np.stack([used] * 2),
        "truth": TRUTH,
    }
    names = ("boxes", "used", "truth")
    return compute(sym.Group(list(match(*map(sym.Variable, names), 0.5))), values)


def test_targets():
    target, rows = matched()
    assert target[0].tolist() == [3, 1, 0, 0, 0]
    # A difficult box and a crowd are ignored, an object within the crowd is learned.
    assert target[1].tolist() == [-1, -1, 0, -1, 2]
    np.testing.assert_array_equal(rows[0, :2], TRUTH[0, :2])
    np.testing.assert_array_equal(rows[1, 4], TRUTH[1, 2])


def test_unused_rows_are_ignored():
    target, _ = matched(used=(0, 1, 0, 1, 1))
    assert target[0].tolist() == [-1, 1, -1, 0, 0]


def test_images_without_boxes_are_background():
    truth = np.full((2, 3, 5), NO_BOX, np.float32)
    truth[..., :4] = 0
    values = {"boxes": np.stack([BOXES] * 2), "used": np.ones((2, 5)), "truth": truth}
    names = ("boxes", "used", "truth")
    target, _ = compute(sym.Group(list(match(*map(sym.Variable, names), 0.5))), values)
    assert not target.any()


def test_learned_boxes_are_proposals_too():
    names = ("boxes", "used", "truth")
    values = {"boxes": np.stack([BOXES] * 2), "used": np.zeros((2, 5)), "truth": TRUTH}
    boxes, used = compute(sym.Group(list(with_truth(*map(sym.Variable, names)))), values)
    assert used.tolist() == [[0] * 5 + [1, 1, 0], [0] * 5 + [0, 0, 1]]
    np.testing.assert_array_equal(boxes[:, 5:], TRUTH[..., :4])


def sampled(target, priority, positives, count):
    """Targets and first coordinates of the sampled boxes of one image."""
    number = len(target)
    values = {
        "boxes": np.arange(number)[None, :, None].repeat(4, axis=2),
        "target": np.array([target]),
        "truth": np.arange(number)[None, :, None].repeat(5, axis=2) + 100,
        "priority": np.array([priority]),
    }
    names = ("boxes", "target", "truth", "priority")
    chosen = sample(*map(sym.Variable, names), positives, count)
    boxes, target, truth = compute(sym.Group([chosen.boxes, chosen.target, chosen.truth]), values)
    np.testing.assert_array_equal(truth[..., 0], boxes[..., 0] + 100)
    return target[0].astype(int).tolist(), boxes[0, :, 0].astype(int).tolist()


def test_the_highest_priorities_are_sampled():
    target, index = sampled([2, 0, 1, 3, 0, -1, 0], [0.1, 0.2, 0.6, 0.5, 0.9, 0.8, 0.3], 2, 4)
    assert target == [1, 3, 0, 0]
    assert index == [2, 3, 4, 6]


def test_background_fills_up_and_the_rest_is_unused():
    target, index = sampled([2, 0, -1, -1], [0.1, 0.2, 0.6, 0.5], 2, 4)
    assert target == [2, 0, -1, -1]
    assert index[:2] == [0, 1]


def test_without_background_positives_stay_within_their_limit():
    target, _ = sampled([2, 1, 3], [0.5, 0.25, 0.75], 1, 3)
    assert target == [3, -1, -1]


def test_samples_are_drawn_evenly():
    rng, counts = np.random.default_rng(0), np.zeros(12)
    target = [1] * 4 + [0] * 8
    values = np.stack([(rng.permutation(12) + 1) / 13 for _ in range(600)])
    order = {
        "boxes": np.tile(np.arange(12)[None, :, None], (600, 1, 4)),
        "target": np.tile(target, (600, 1)),
        "truth": np.zeros((600, 12, 5)),
        "priority": values,
    }
    chosen = sample(*map(sym.Variable, order), 2, 6)
    boxes, _ = compute(sym.Group([chosen.boxes, chosen.target]), order)
    for index in boxes[..., 0].astype(int).reshape(-1):
        counts[index] += 1
    assert counts == pytest.approx(np.full(12, 300), rel=0.2)


def test_unit_boxes_where_nothing_is_learned():
    values = {"boxes": BOXES[None], "holds": np.array([[1, 0, 1, 0, 1]])}
    (boxes,) = compute(unit_where(sym.Variable("boxes"), sym.Variable("holds")), values)
    np.testing.assert_array_equal(boxes[0, ::2], BOXES[::2])
    assert boxes[0, 1::2].tolist() == [[0, 0, 1, 1]] * 2
