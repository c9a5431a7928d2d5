"""Match proposals with the ground truth, and sample those that are trained. Symbols.

Girshick, "Fast R-CNN", ICCV 2015, section 2.3; as in torchvision's `RoIHeads`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from densefit.symbol import sym

from ..boxes import area, corners, intersection, rows_at
from .truth import CROWD, CROWD_SHARE, IGNORED


@dataclass(frozen=True)
class Samples:
    """Boxes that are trained, positive ones first.

    Attributes:
        boxes: (B, S, 4) xyxy in input pixels.
        target: (B, S): -1 unused, 0 background, 1 + class.
        truth: (B, S, 5 or more) the row of the ground truth with the highest IoU.
    """

    boxes: Any
    target: Any
    truth: Any


def match(boxes: Any, is_box: Any, truth: Any, iou_positive: float) -> tuple[Any, Any]:
    """Target of each box, and the row of the ground truth with the highest IoU: its best match.

    Args:
        boxes: (B, Q, 4) xyxy in input pixels.
        is_box: (B, Q), 0 for unused rows.
        truth: (B, M, 5 or more) [x1, y1, x2, y2, class or a code below 0, ...].
        iou_positive: lowest IoU of a positive box; others are background.

    Returns:
        (B, Q): -1 ignored, 0 background, 1 + class; and (B, Q, 5 or more).
    """
    true_boxes = sym.slice_axis(truth, axis=2, begin=0, end=4)
    kind = sym.slice_axis(truth, axis=2, begin=4, end=5)
    row = sym.transpose(kind, axes=(0, 2, 1))  # (B, 1, M)
    shared = intersection(boxes, true_boxes)
    own_area = sym.expand_dims(area(boxes), axis=2)
    union = sym.broadcast_add(own_area, sym.expand_dims(area(true_boxes), axis=1)) - shared
    iou = shared / sym.maximum(union, 1e-9)
    # Below every IoU where there is no box to learn.
    is_learned = row >= 0
    learned = sym.broadcast_add(sym.broadcast_mul(iou, is_learned), is_learned - 1)
    best = sym.max(learned, axis=2)
    matched = sym.argmax(learned, axis=2)
    positive = best >= iou_positive
    matched = rows_at(truth, matched)
    kind = sym.slice_axis(matched, axis=2, begin=4, end=5)
    label = sym.reshape(kind, shape=(0, -1)) + 1
    ignored = sym.max(sym.broadcast_mul(iou, row == IGNORED), axis=2) >= iou_positive
    covered = sym.broadcast_mul(shared, row == CROWD)
    crowded = sym.max(sym.broadcast_greater_equal(covered, own_area * CROWD_SHARE), axis=2)
    target = label * positive - (1 - positive) * sym.maximum(ignored, crowded)
    return (target + 1) * is_box - 1, matched


def sample(
    boxes: Any,
    target: Any,
    truth: Any,
    priority: Any,
    positives: int,
    count: int,
) -> Samples:
    """Select the boxes of the highest priority: at most `positives`, and background for the rest.

    Args:
        boxes: (B, Q, 4).
        target: (B, Q): -1 ignored, 0 background, 1 + class.
        truth: (B, Q, 5 or more) the matched row of the ground truth.
        priority: (B, Q), different numbers between 0 and 1.
        positives: maximum number of positive boxes.
        count: number of rows of the result, at most Q.
    """
    order = sym.broadcast_mul(target > 0, priority)
    last = sym.topk(order, k=positives, axis=1, ret_typ="value")
    last = sym.slice_axis(last, axis=1, begin=positives - 1, end=positives)
    chosen = sym.broadcast_greater_equal(order, last) * (order > 0)
    # 2 to 3 for positive boxes that are chosen, 0 to 1 for background, -1 for others.
    rank = chosen * (priority + 3) + (target == 0) * (priority + 1) - 1
    best = sym.topk(rank, k=count, axis=1, ret_typ="both")
    index = best[1]
    used = best[0] > 0
    target = _values_at(target, index)
    return Samples(
        sym.BlockGrad(rows_at(boxes, index)),
        sym.BlockGrad((target + 1) * used - 1),
        sym.BlockGrad(rows_at(truth, index)),
    )


def _values_at(data: Any, index: Any) -> Any:
    """(B, K) numbers of (B, N) at (B, K) indices of each sample."""
    return sym.reshape(rows_at(sym.expand_dims(data, axis=2), index), shape=(0, -1))


def with_truth(proposals: Any, is_proposal: Any, truth: Any) -> tuple[Any, Any]:
    """Proposals, and behind them the boxes of the ground truth that are learned.

    Args:
        proposals: (B, P, 4).
        is_proposal: (B, P), 0 for unused rows.
        truth: (B, M, 5 or more).
    """
    kind = sym.slice_axis(truth, axis=2, begin=4, end=5)
    true_boxes = sym.slice_axis(truth, axis=2, begin=0, end=4)
    is_learned = sym.reshape(kind, shape=(0, -1)) >= 0
    return (
        sym.concat(proposals, true_boxes, dim=1),
        sym.concat(is_proposal, is_learned, dim=1),
    )


def unit_where(boxes: Any, holds: Any) -> Any:
    """(B, N, 4) the boxes where (B, N) holds, else the box from 0 to 1: one with positive sides."""
    holds = sym.expand_dims(holds, axis=2)
    low, high = corners(boxes)
    low, high = sym.broadcast_mul(low, holds), sym.broadcast_mul(high, holds)
    return sym.concat(low, sym.broadcast_add(high, 1 - holds), dim=2)
