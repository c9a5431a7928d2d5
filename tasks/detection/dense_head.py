"""What RetinaNet and FCOS share: class scores by sigmoids, and detections from each level."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from densefit.model.losses.sigmoid_focal import sigmoid_focal_loss
from densefit.symbol import sym

from .checks import check_exact_count
from .select import best_pairs, clipped, suppressed


def focal_class_loss(
    logits: Any, target: Any, annotated: Any, classes: int, alpha: float, gamma: float
) -> Any:
    """(B,) sum of the focal loss of all anchors and classes, per positive anchor of the image.

    Classes that the sample does not annotate, and ignored anchors, get no loss.

    Args:
        logits: (B, A, classes).
        target: (B, A): -1 ignored, 0 background, 1 + class.
        annotated: (B, 1 + classes), the background first; 0 for classes that are not annotated.
        classes: number of classes without the background.
        alpha: weight of the positive class.
        gamma: exponent.
    """
    # An index of -1 or -2 gives a row without a 1.
    loss = sigmoid_focal_loss(logits, sym.one_hot(target - 1, depth=classes), alpha, gamma)
    loss = sym.broadcast_mul(loss, sym.expand_dims(target >= 0, axis=2))
    annotated = sym.expand_dims(sym.slice_axis(annotated, axis=1, begin=1, end=None), axis=1)
    total = sym.sum(sym.broadcast_mul(loss, annotated), axis=(1, 2))
    return total / sym.maximum(sym.sum(target > 0, axis=1), 1)


def level_detections(
    levels: Sequence[tuple[Any, Any, Any, int]],
    classes: int,
    input_size: tuple[int, int],
    decode: Callable[[Any, Any], Any],
    *,
    candidates: int,
    score_threshold: float,
    nms_iou: float,
    max_detections: int,
    where: str,
) -> Any:
    """`boxes` (B, n, 6) [class, score, x1, y1, x2, y2] in input pixels, by falling score.

    The best pairs of each level enter one suppression within each class, clipped to the input.

    Args:
        levels: (scores (B, A, classes), offsets (B, A, 4), anchors (A, 4), A) of each level.
        classes: number of classes.
        input_size: (height, width) in pixels.
        decode: (B, N, 4) offsets and (B, N, 4) anchors -> xyxy boxes.
        candidates: number of best pairs per level.
        score_threshold: pairs below are dropped.
        nms_iou: IoU above which the worse of two boxes of a class is dropped.
        max_detections: maximum number of rows.
        where: place for an error.

    Raises:
        ConfigError: a level has too many pairs.
    """
    rows, total = [], 0
    for scores, offsets, anchors, count in levels:
        check_exact_count(count * classes, "pairs of anchor and class in a level", where)
        chosen = min(candidates, count * classes)
        rows.append(best_pairs(scores, offsets, anchors, classes, chosen, decode))
        total += chosen
    boxes = clipped(sym.concat(*rows, dim=1), input_size)
    boxes = suppressed(boxes, score_threshold, nms_iou, min(max_detections, total))
    return sym.slice_axis(boxes, axis=2, begin=0, end=6)
