"""The loss of SSD with hard negative mining, one number an image. Symbols.

Liu et al., "SSD: Single Shot MultiBox Detector", ECCV 2016, section 2.2, equations 1 to 3.
"""

from __future__ import annotations

from typing import Any

from densefit.backend import mx
from densefit.model.partial_softmax import partial_log_softmax


def hard_negatives(difficulty: Any, candidate: Any, wanted: Any, limit: int) -> Any:
    """Weights (B, A) that choose each image's `wanted` hardest candidates; without gradient.

    Those that tie for the last places share them, so that a uniform image, where thousands of
    anchors are equally hard, chooses no more than any other.

    Args:
        difficulty: (B, A), not negative.
        candidate: (B, A), 1 for anchors to choose from, else 0.
        wanted: (B,), how many to choose, 1 or more.
        limit: the number of anchors A.
    """
    # 0 for what is no candidate, 1 and more for the others.
    ranked = mx.sym.BlockGrad((difficulty + 1) * candidate)
    descending = mx.sym.sort(ranked, axis=1, is_ascend=False)
    last = mx.sym.pick(descending, mx.sym.minimum(wanted, limit) - 1, axis=1, keepdims=True)
    above = mx.sym.broadcast_greater(ranked, last)
    level = mx.sym.broadcast_equal(ranked, last) * candidate
    left = mx.sym.reshape(wanted, shape=(-1, 1)) - mx.sym.sum(above, axis=1, keepdims=True)
    tied = mx.sym.maximum(mx.sym.sum(level, axis=1, keepdims=True), 1)
    share = mx.sym.minimum(left / tied, 1)
    return mx.sym.BlockGrad(above + mx.sym.broadcast_mul(level, share))


def class_loss(
    scores: Any,
    target: Any,
    known: Any,
    negatives_per_positive: float,
    min_negatives: int,
    limit: int,
) -> Any:
    """(B,) cross-entropy over the positive anchors and the hardest background, by positives.

    An image without objects has no positives: it trains its `min_negatives` hardest anchors,
    divided by 1. Background anchors train no score of a class that the image does not know.

    Args:
        scores: (B, A, 1 + classes) logits, the background first.
        target: (B, A): -1 ignored, 0 background, 1 + class.
        known: (B, 1 + classes), 0 for classes whose objects nobody marked, else 1.
        negatives_per_positive: background anchors trained for each positive one.
        min_negatives: background anchors trained in any image.
        limit: the number of anchors A.
    """
    unsure = mx.sym.expand_dims(target == 0, axis=2)
    log_probability = partial_log_softmax(
        scores, mx.sym.expand_dims(known, axis=1), unsure, axis=-1
    )
    loss = -mx.sym.pick(log_probability, mx.sym.maximum(target, 0), axis=-1)
    positive = target > 0
    background = target == 0
    positives = mx.sym.sum(positive, axis=1)
    wanted = mx.sym.maximum(mx.sym.round(positives * negatives_per_positive), min_negatives)
    # At background anchors the picked class is the background: their loss is the difficulty.
    weight = positive + hard_negatives(mx.sym.BlockGrad(loss), background, wanted, limit)
    total = mx.sym.sum(loss * mx.sym.BlockGrad(weight), axis=1)
    return total / mx.sym.maximum(mx.sym.BlockGrad(positives), 1)


def box_loss(offsets: Any, box_target: Any, target: Any) -> Any:
    """(B,) smooth L1 loss of the positive anchors' offsets, divided by their number.

    Args:
        offsets: (B, A, 4) predicted.
        box_target: (B, A, 4).
        target: (B, A): -1 ignored, 0 background, 1 + class.
    """
    positive = mx.sym.BlockGrad(target > 0)
    distance = mx.sym.smooth_l1(offsets - box_target, scalar=1.0)
    total = mx.sym.sum(mx.sym.sum(distance, axis=2) * positive, axis=1)
    return total / mx.sym.maximum(mx.sym.sum(positive, axis=1), 1)
