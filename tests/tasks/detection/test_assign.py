"""Target assignment: against MXNet's MultiBoxTarget where the two mean the same."""

import numpy as np
import pytest

from densefit.symbol import sym
from densefit.tasks.detection.anchors import (
    VARIANCES,
    anchor_boxes,
    anchor_shapes,
    encode_boxes,
)
from densefit.tasks.detection.assign import anchor_targets, best_anchors, match_anchors
from tests.executor import compute

SIZE = (96, 128)
STRIDES = (8, 16, 32)
SHAPES = tuple(anchor_shapes([s * 3.0, s * 4.2], [1, 2, 0.5]) for s in STRIDES)
ANCHORS = anchor_boxes(SIZE, STRIDES, SHAPES)


def picture(seed, count, classes=4):
    rng = np.random.RandomState(seed)
    sides = rng.rand(count, 2) * 50 + 8
    corner = rng.rand(count, 2) * ([128, 96] - sides)
    boxes = np.concatenate([corner, corner + sides], 1).astype(np.float32)
    return boxes, rng.randint(0, classes, count)


def assign(anchors, boxes, classes, **settings):
    """Class and offsets of all anchors, as the head encodes them."""
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    return anchor_targets(match_anchors(anchors, boxes, **settings), anchors, boxes, classes)


def multibox_target(boxes, classes, width=40):
    label = np.full((1, width, 5), -1, np.float32)
    label[0, : len(boxes), 0] = classes
    label[0, : len(boxes), 1:] = boxes / 128
    arrays = {
        "anchors": ANCHORS[None] / 128,
        "label": label,
        "scores": np.zeros((1, 5, len(ANCHORS))),
    }
    symbol = sym.contrib.MultiBoxTarget(
        *map(sym.Variable, arrays),
        overlap_threshold=0.5,
        negative_mining_ratio=-1,
        variances=VARIANCES,
    )
    out = compute(symbol, arrays)
    return out[2][0], out[0].reshape(-1, 4)


@pytest.mark.parametrize(("seed", "count"), [(0, 1), (1, 3), (2, 10), (3, 30), (4, 40)])
def test_same_as_multiboxtarget(seed, count):
    boxes, classes = picture(seed, count)
    labels, offsets = assign(ANCHORS, boxes, classes)
    expected, expected_offsets = multibox_target(boxes, classes)
    np.testing.assert_array_equal(labels, expected)
    np.testing.assert_allclose(offsets, expected_offsets, atol=1e-3)


NO_BOXES = np.zeros((0, 4), np.float32)


def test_an_image_without_objects_is_background():
    labels, offsets = assign(ANCHORS, NO_BOXES, np.zeros(0, np.int64))
    assert (labels == 0).all()
    assert (offsets == 0).all()


@pytest.mark.mxnet
def test_mxnets_multiboxtarget_leaves_an_image_without_objects_out_of_the_loss():
    labels, _ = multibox_target(NO_BOXES, [])
    assert (labels == -1).all()


def test_every_box_gets_an_anchor_of_its_own():
    # Six boxes at one place want the same anchor.
    boxes = np.array([[40, 40, 64 + i, 64] for i in range(6)], np.float32)
    labels, offsets = assign(ANCHORS, boxes, np.arange(6))
    index = np.flatnonzero(labels > 0)
    assert set(labels[index]) == {1, 2, 3, 4, 5, 6}
    learned = boxes[labels[index].astype(int) - 1]
    np.testing.assert_array_equal(offsets[index], encode_boxes(learned, ANCHORS[index]))


def test_a_tiny_box_gets_its_best_anchor():
    labels, _ = assign(ANCHORS, np.array([[50.0, 50.0, 52.0, 52.0]]), np.array([2]))
    assert (labels == 3).sum() == 1


def test_greedy_by_hand():
    iou = np.array([[0.9, 0.5, 0.0], [0.8, 0.7, 0.0], [0.85, 0.0, 0.0]])
    # Box 0 takes anchor 0; box 1 then has 0.7 on anchor 1; nothing overlaps box 2 any more.
    np.testing.assert_array_equal(best_anchors(iou), [0, 1, -1])
    assert best_anchors(np.zeros((0, 5))).shape == (0,)


def test_greedy_is_the_global_greedy():
    rng = np.random.RandomState(7)
    for _ in range(20):
        iou = rng.rand(6, 9) * (rng.rand(6, 9) > 0.4)
        rest, expected = iou.copy(), np.full(6, -1)
        while rest.max() > 0:
            box, anchor = np.unravel_index(rest.argmax(), rest.shape)
            expected[box] = anchor
            rest[box], rest[:, anchor] = 0, 0
        np.testing.assert_array_equal(best_anchors(iou), expected)


def test_a_crowd_is_ignored_and_never_learned():
    boxes = np.array([[0, 0, 128, 96], [10, 10, 34, 34]], np.float32)
    labels, _ = assign(ANCHORS, boxes, np.array([0, 1]), crowd=np.array([True, False]))
    assert set(labels) == {-1, 0, 2}  # 0: anchors that lie more outside the image than in it
    inside = (ANCHORS[:, :2] >= 0).all(1) & (ANCHORS[:, 2] <= 128) & (ANCHORS[:, 3] <= 96)
    assert (labels[inside] != 0).all()


def test_difficult_boxes_can_be_ignored():
    boxes = np.array([[10, 10, 34, 34], [70, 40, 118, 88]], np.float32)
    difficult = np.array([False, True])
    learned, _ = assign(ANCHORS, boxes, np.array([0, 1]))
    labels, offsets = assign(ANCHORS, boxes, np.array([0, 1]), ignored=difficult)
    assert (labels == 2).sum() == 0
    assert (labels[learned == 1] == 1).all()
    assert (labels == -1).sum() > 0
    assert (offsets[labels < 1] == 0).all()


def test_between_the_thresholds_is_ignored():
    boxes, classes = picture(5, 8)
    strict, _ = assign(ANCHORS, boxes, classes)
    labels, _ = assign(ANCHORS, boxes, classes, iou_negative=0.3)
    np.testing.assert_array_equal(labels > 0, strict > 0)
    assert (labels == -1).sum() > 0


def test_a_box_without_area_matches_nothing():
    labels, _ = assign(ANCHORS, np.array([[5.0, 5.0, 5.0, 9.0]]), np.array([0]))
    assert (labels == 0).all()


def test_matched_boxes_are_those_whose_offsets_are_learned():
    boxes, classes = picture(5, 12)
    matched = match_anchors(ANCHORS, boxes)
    labels, offsets = assign(ANCHORS, boxes, classes)
    positive = matched > 0
    assert set(matched[positive]) == set(range(1, 13))
    np.testing.assert_array_equal(labels > 0, positive)
    learned = boxes[matched[positive] - 1]
    np.testing.assert_array_equal(offsets[positive], encode_boxes(learned, ANCHORS[positive]))


@pytest.mark.parametrize("seed", range(3))
def test_low_quality_matches_are_torchvisions(seed):
    from tests.references.torchvision_cpu import torchvision

    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 80, (60, 2))
    anchors = np.concatenate([corners, corners + rng.uniform(5, 40, (60, 2))], 1)
    anchors = np.concatenate([anchors, anchors[:20]]).astype(np.float32)  # equal IoUs
    corners = rng.uniform(0, 60, (7, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(4, 50, (7, 2))], 1).astype(np.float32)
    matcher = torchvision.models.detection._utils.Matcher(0.5, 0.2, True)
    iou = torchvision.ops.box_iou(torch.tensor(boxes), torch.tensor(anchors))
    expected = matcher(iou).numpy()
    found = match_anchors(anchors, boxes, iou_positive=0.5, iou_negative=0.2, low_quality=True)
    assert {-2, -1} < set(expected)
    # 1 + index here; background is -1 there, and ignored -2.
    np.testing.assert_array_equal(found, np.where(expected == -2, -1, expected + 1))
