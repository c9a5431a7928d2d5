"""Detections on the device: anchors, decoding and suppression against plain numpy."""

import numpy as np
import pytest

from densefit.symbol import sym
from densefit.tasks.detection.anchors import VARIANCES, anchor_boxes, anchor_shapes
from densefit.tasks.detection.select import anchor_symbol, detections
from tests.executor import Executor

SIZE = (50, 70)  # not a multiple of the strides
STRIDES = (8, 16)
SHAPES = tuple(anchor_shapes([s * 3.0, s * 4.2], [1, 2, 0.5]) for s in STRIDES)
ANCHORS = anchor_boxes(SIZE, STRIDES, SHAPES)
A, C = len(ANCHORS), 3


def test_anchors_in_the_graph_equal_those_in_numpy():
    symbol = anchor_symbol(SIZE, STRIDES, SHAPES)
    assert symbol.list_arguments() == []
    executor = Executor(symbol)
    centered = executor.forward()[0]
    corners = np.concatenate(
        [centered[:, :2] - centered[:, 2:] / 2, centered[:, :2] + centered[:, 2:] / 2], 1
    )
    np.testing.assert_allclose(corners, ANCHORS, atol=1e-4)


def softmax(x):
    x = np.exp(x - x.max(-1, keepdims=True))
    return x / x.sum(-1, keepdims=True)


def iou(a, b):
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    shared = max(width, 0) * max(height, 0)
    area = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return shared / (area - shared)


def decode_boxes(offsets, anchors):
    """(n, 4) xyxy boxes: the inverse of `encode_boxes`."""
    offsets = offsets * np.array(VARIANCES, np.float32)
    sides = anchors[:, 2:] - anchors[:, :2]
    centers = (anchors[:, 2:] + anchors[:, :2]) / 2 + offsets[:, :2] * sides
    half = np.exp(offsets[:, 2:]) * sides / 2
    return np.concatenate([centers - half, centers + half], axis=1)


def reference(scores, offsets, candidates, threshold, nms, limit):
    """One image by plain loops: rows [class, score, box]."""
    probability = softmax(scores)[:, 1:]
    boxes = decode_boxes(offsets, ANCHORS)
    kept = []
    for pair in np.argsort(-probability.ravel(), kind="stable")[:candidates]:
        anchor, label = divmod(int(pair), C)
        score = probability[anchor, label]
        if score <= threshold:
            continue
        rivals = [row for row in kept if row[0] == label]
        if all(iou(boxes[anchor], row[2:6]) <= nms for row in rivals):
            kept.append([label, score, *boxes[anchor], anchor])
    result = np.full((limit, 7), -1.0)
    kept = kept[:limit]
    result[: len(kept)] = kept
    return result


def run(scores, offsets, candidates=120, threshold=0.2, nms=0.45, limit=40):
    symbol = detections(
        sym.Variable("scores"),
        sym.Variable("offsets"),
        anchor_symbol(SIZE, STRIDES, SHAPES),
        C,
        candidates,
        threshold,
        nms,
        limit,
    )
    executor = Executor(symbol, gradients=False, scores=scores.shape, offsets=offsets.shape)
    return executor.forward(scores=scores, offsets=offsets)[0]


@pytest.mark.parametrize("batch", [1, 3])
def test_equals_numpy_at_any_batch_size(batch):
    rng = np.random.RandomState(batch)
    scores = rng.randn(batch, A, 1 + C).astype(np.float32) * 2
    offsets = rng.randn(batch, A, 4).astype(np.float32)
    out = run(scores, offsets)
    assert out.shape == (batch, 40, 7)
    for i in range(batch):
        expected = reference(scores[i], offsets[i], 120, 0.2, 0.45, 40)
        assert 10 < (expected[:, 0] >= 0).sum()
        np.testing.assert_allclose(out[i], expected, rtol=1e-3, atol=1e-3)


def test_one_anchor_may_yield_several_classes():
    scores = np.zeros((1, A, 1 + C), np.float32)
    scores[..., 0] = 20
    scores[0, 7] = [0, 5, 5.5, 0]
    out = run(scores, np.zeros((1, A, 4), np.float32))[0]
    np.testing.assert_array_equal(out[:3, 0], [1, 0, -1])
    np.testing.assert_allclose(out[:2, 2:6], np.tile(ANCHORS[7], (2, 1)), atol=1e-3)
    np.testing.assert_array_equal(out[:2, 6], 7)


def test_nothing_found_is_all_minus_one():
    scores = np.zeros((2, A, 1 + C), np.float32)
    scores[..., 0] = 30
    np.testing.assert_array_equal(run(scores, np.zeros((2, A, 4), np.float32)), -1)


def test_wild_offsets_stay_finite():
    scores = np.zeros((1, A, 1 + C), np.float32)
    out = run(scores, np.full((1, A, 4), 1e4, np.float32))
    assert np.isfinite(out).all()
