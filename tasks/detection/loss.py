"""SSD losses with hard negative mining, per sample. Symbols.

Liu et al., "SSD: Single Shot MultiBox Detector", ECCV 2016, section 2.2, equations 1 to 3.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from densefit.model.losses.boxes import iou_loss
from densefit.model.partial_softmax import partial_log_softmax
from densefit.symbol import sym

from .select import corners


def hard_negatives(difficulty: Any, candidate: Any, count: Any, limit: Any) -> Any:
    """(B, A) weights that select each image's `count` hardest candidates; no gradient.

    Ties for the last places share their weight, so that a uniform image, with thousands of equally
    hard anchors, does not select more than others.

    Args:
        difficulty: (B, A), not negative.
        candidate: (B, A), 1 for candidates, else 0.
        count: (B,), number to select, 1 or more.
        limit: the number of anchors A, or a Symbol (B,) of it.
    """
    # 0 for other anchors, 1 or more for candidates.
    ranked = sym.BlockGrad((difficulty + 1) * candidate)
    descending = sym.sort(ranked, axis=1, is_ascend=False)
    last = sym.pick(descending, sym.minimum(count, limit) - 1, axis=1, keepdims=True)
    above = sym.broadcast_greater(ranked, last)
    level = sym.broadcast_equal(ranked, last) * candidate
    left = sym.reshape(count, shape=(-1, 1)) - sym.sum(above, axis=1, keepdims=True)
    tied = sym.maximum(sym.sum(level, axis=1, keepdims=True), 1)
    share = sym.minimum(left / tied, 1)
    return sym.BlockGrad(above + sym.broadcast_mul(level, share))


def class_entropy(scores: Any, target: Any, annotated: Any) -> Any:
    """(B, A) cross-entropy of the softmax with the target; of ignored rows with the background.

    Background does not train scores of classes that are not annotated.

    Args:
        scores: (B, A, 1 + classes) logits, the background first.
        target: (B, A): -1 ignored, 0 background, 1 + class.
        annotated: (B, 1 + classes), 0 for classes that are not annotated, else 1.
    """
    unsure = sym.expand_dims(target == 0, axis=2)
    log_probability = partial_log_softmax(
        scores, sym.expand_dims(annotated, axis=1), unsure, axis=-1
    )
    return -sym.pick(log_probability, sym.maximum(target, 0), axis=-1)


def class_loss(
    scores: Any,
    target: Any,
    annotated: Any,
    negatives_per_positive: float,
    min_negatives: int,
    limit: int,
) -> Any:
    """(B,) cross-entropy of positive anchors and the hardest background, per positive anchor.

    An image without objects has no positives: it trains its `min_negatives` hardest anchors,
    divided by 1. Background anchors do not train scores of classes that are not annotated.

    Args:
        scores: (B, A, 1 + classes) logits, the background first.
        target: (B, A): -1 ignored, 0 background, 1 + class.
        annotated: (B, 1 + classes), 0 for classes that are not annotated, else 1.
        negatives_per_positive: trained background anchors per positive anchor.
        min_negatives: trained background anchors per image, at least.
        limit: the number of anchors A.
    """
    loss = class_entropy(scores, target, annotated)
    positive = target > 0
    background = target == 0
    positives = sym.sum(positive, axis=1)
    negatives = sym.maximum(sym.round(positives * negatives_per_positive), min_negatives)
    # The loss of a background anchor is its difficulty.
    weight = positive + hard_negatives(sym.BlockGrad(loss), background, negatives, limit)
    total = sym.sum(loss * sym.BlockGrad(weight), axis=1)
    return total / sym.maximum(sym.BlockGrad(positives), 1)


def box_loss(offsets: Any, box_target: Any, target: Any) -> Any:
    """(B,) smooth L1 loss of the positive anchors' offsets, divided by their number.

    Args:
        offsets: (B, A, 4) predicted.
        box_target: (B, A, 4).
        target: (B, A): -1 ignored, 0 background, 1 + class.
    """
    distance = sym.smooth_l1(offsets - box_target, scalar=1.0)
    return mean_over_positives(sym.sum(distance, axis=2), target)


def overlap_loss(
    kind: str,
    offsets: Any,
    box_target: Any,
    target: Any,
    anchors: Any,
    decode: Callable[[Any, Any], Any] = corners,
) -> Any:
    """(B,) mean of 1 - GIoU, DIoU or CIoU over the positive anchors.

    Args:
        kind: "giou", "diou" or "ciou".
        offsets: (B, A, 4) predicted.
        box_target: (B, A, 4).
        target: (B, A): -1 ignored, 0 background, 1 + class.
        anchors: (A, 4) in center form, see `anchor_symbol`.
        decode: (B, A, 4) offsets and (B, A, 4) anchors -> xyxy boxes.
    """
    anchors = sym.broadcast_like(sym.expand_dims(anchors, axis=0), offsets)
    loss = iou_loss(kind, decode(offsets, anchors), decode(box_target, anchors))
    return mean_over_positives(loss, target)


def mean_over_positives(loss: Any, target: Any) -> Any:
    """(B,) mean of (B, A) losses over the positive anchors; 0 without any."""
    positive = sym.BlockGrad(target > 0)
    total = sym.sum(loss * positive, axis=1)
    return total / sym.maximum(sym.sum(positive, axis=1), 1)
