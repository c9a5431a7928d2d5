"""Class scores and box offsets -> detections of each image, on the device. Symbols."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from densefit.symbol import sym

from .anchors import VARIANCES, Shapes, cell_positions, level_size

# A box is at most 64 times as wide as its anchor, so that an untrained network cannot overflow.
MAX_GROWTH = math.log(64.0)


def anchor_symbol(
    input_size: tuple[int, int],
    strides: Sequence[int],
    shapes: Sequence[Shapes],
    at_corners: bool = False,
) -> Any:
    """(A, 4) anchors (center x, center y, width, height) in input pixels, in anchor order.

    The same as `anchors.anchor_boxes`, computed in the graph from a few scalars: as parameters they
    would be in every checkpoint and fix its input size.
    """
    levels = []
    for stride, level_shapes in zip(strides, shapes):
        height, width = level_size(input_size, stride)
        full = (height, width, len(level_shapes), 1)
        (top, down), (left, right) = cell_positions(input_size, stride, at_corners)
        x = sym.arange(0, width) * right + left
        y = sym.arange(0, height) * down + top
        sides = sym.concat(
            *(sym.full((1, 1), side) for shape in level_shapes for side in shape), dim=0
        )
        sides = sym.reshape(sides, shape=(1, 1, len(level_shapes), 2))
        parts = (
            sym.broadcast_to(sym.reshape(x, shape=(1, width, 1, 1)), shape=full),
            sym.broadcast_to(sym.reshape(y, shape=(height, 1, 1, 1)), shape=full),
            sym.broadcast_to(sides, shape=(*full[:3], 2)),
        )
        levels.append(sym.reshape(sym.concat(*parts, dim=3), shape=(-1, 4)))
    return sym.concat(*levels, dim=0)


def detections(
    scores: Any,
    offsets: Any,
    anchors: Any,
    classes: int,
    candidates: int,
    score_threshold: float,
    nms_iou: float,
    max_detections: int,
) -> Any:
    """Detections of each image after non-maximum suppression within each class.

    An anchor may yield several classes: candidates are pairs of anchor and class.

    Args:
        scores: (B, A, 1 + classes) logits, the background first.
        offsets: (B, A, 4).
        anchors: (A, 4), see `anchor_symbol`.
        classes: number of classes without the background.
        candidates: number of best pairs per image that enter the NMS; at most A * classes.
        score_threshold: pairs below are dropped.
        nms_iou: IoU above which the worse of two boxes of a class is dropped.
        max_detections: rows of the result, at most `candidates`.

    Returns:
        (B, max_detections, 7) [class, score, x1, y1, x2, y2, anchor] in input pixels by falling
        score; unused rows are -1.
    """
    probability = sym.softmax(scores, axis=-1)
    probability = sym.slice_axis(probability, axis=2, begin=1, end=None)
    rows = best_pairs(probability, offsets, anchors, classes, candidates, corners)
    return suppressed(rows, score_threshold, nms_iou, max_detections)


def best_pairs(
    probability: Any,
    offsets: Any,
    anchors: Any,
    classes: int,
    count: int,
    decode: Callable[[Any, Any], Any],
) -> Any:
    """The best pairs of anchor and class of each image, by falling score.

    Args:
        probability: (B, A, classes) scores.
        offsets: (B, A, 4).
        anchors: (A, 4), see `anchor_symbol`.
        classes: number of classes.
        count: number of pairs, at most A * classes.
        decode: (B, N, 4) offsets and (B, N, 4) anchors -> xyxy boxes.

    Returns:
        (B, count, 7) [class, score, x1, y1, x2, y2, anchor] in input pixels.
    """
    best = sym.topk(sym.reshape(probability, shape=(0, -1)), k=count, axis=1, ret_typ="both")
    score, pair = best[0], best[1]
    # Indices travel as float32; they and their quotients are exact below 2**24 pairs.
    anchor = sym.floor(pair / classes)
    label = pair - anchor * classes
    sample = sym.broadcast_like(
        sym.reshape(sym.contrib.arange_like(pair, axis=0), shape=(-1, 1)), pair
    )
    offsets = sym.gather_nd(offsets, sym.stack(sample, anchor, axis=0))
    boxes = decode(offsets, sym.take(anchors, anchor))
    return sym.concat(
        sym.expand_dims(label, axis=2),
        sym.expand_dims(score, axis=2),
        boxes,
        sym.expand_dims(anchor, axis=2),
        dim=2,
    )


def clipped(rows: Any, input_size: tuple[int, int]) -> Any:
    """(B, N, 7) rows of `best_pairs` whose boxes end at the border of the input."""
    height, width = input_size
    columns = [sym.slice_axis(rows, axis=2, begin=i, end=i + 1) for i in range(7)]
    for column, limit in zip(range(2, 6), (width, height, width, height)):
        columns[column] = sym.clip(columns[column], 0, limit)
    return sym.concat(*columns, dim=2)


def suppressed(rows: Any, score_threshold: float, nms_iou: float, max_detections: int) -> Any:
    """The best rows of each image after non-maximum suppression within each class.

    Args:
        rows: (B, N, 6 or more) [class, score, x1, y1, x2, y2, ...].
        score_threshold: rows below are dropped.
        nms_iou: IoU above which the worse of two boxes of a class is dropped.
        max_detections: rows of the result, at most N.

    Returns:
        (B, max_detections, ...) by falling score; unused rows are -1.
    """
    rows = sym.contrib.box_nms(
        rows,
        overlap_thresh=nms_iou,
        valid_thresh=score_threshold,
        topk=-1,
        coord_start=2,
        score_index=1,
        id_index=0,
        force_suppress=False,
    )
    return sym.slice_axis(rows, axis=1, begin=0, end=max_detections)


def corners(
    offsets: Any,
    anchors: Any,
    variances: Sequence[float] = VARIANCES,
    growth_limits: tuple[float, float] = (-MAX_GROWTH, MAX_GROWTH),
) -> Any:
    """xyxy boxes from (B, N, 4) offsets and (B, N, 4) anchors in center form.

    Args:
        offsets: shifts by the anchor's sides, and logarithms of the growth of the sides.
        anchors: (center x, center y, width, height).
        variances: scales of the offsets; one for both shifts and one for both sides.
        growth_limits: least and greatest logarithm of the growth.
    """
    center, side = (sym.slice_axis(anchors, axis=2, begin=i, end=i + 2) for i in (0, 2))
    shift, growth = (sym.slice_axis(offsets, axis=2, begin=i, end=i + 2) for i in (0, 2))
    center = center + shift * variances[0] * side
    half = sym.exp(sym.clip(growth * variances[2], *growth_limits)) * side / 2
    return sym.concat(center - half, center + half, dim=2)
