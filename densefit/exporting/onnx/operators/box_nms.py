"""Non-maximum suppression with MXNet's result: the kept rows by falling score, then rows of -1."""

from __future__ import annotations

import numpy as np

from densefit.exporting.onnx.layer import Layer
from densefit.exporting.onnx.operators.creation import expanded
from densefit.exporting.onnx.operators.order import best
from densefit.exporting.onnx.registry import converts
from densefit.exporting.onnx.tensor import Tensor, product

_LOWEST = float(np.finfo(np.float32).min)


@converts("_contrib_box_nms")
def box_nms(layer: Layer) -> list[Tensor]:
    data = layer.data
    *rows, count, width = data.sizes
    flat = layer.build.reshape(data, (product(rows), count, width))
    start, identity = layer.integer("coord_start", 2), layer.integer("id_index", -1)
    threshold = layer.number("valid_thresh", 0.0)
    score = column(layer, flat, layer.integer("score_index", 1))
    ids = column(layer, flat, identity) if identity >= 0 else None
    is_valid = layer.emit("Greater", score, layer.scalar(threshold, score))
    if ids is not None:
        background = layer.scalar(layer.integer("background_id", -1), ids)
        is_object = layer.emit("Not", layer.emit("Equal", ids, background))
        is_valid = layer.emit("And", is_valid, is_object)
    score = layer.emit("Where", is_valid, score, layer.scalar(_LOWEST, score))
    limit = layer.integer("topk", -1)
    entered = min(limit, count) if limit > 0 else count
    score, order = best(layer, score, entered, 1, True)
    flat = rows_at(layer, flat, order)
    boxes = layer.slice(flat, 2, start, start + 4)
    corners = boxes if layer.text("in_format", "corner") == "corner" else _corners(layer, boxes)
    by_class = ids is not None and not layer.flag("force_suppress")
    labels = column(layer, flat, identity) if by_class else None
    survives = suppressed(
        layer, corners, score, labels, layer.number("overlap_thresh", 0.5), threshold
    )
    if layer.text("out_format", "corner") != layer.text("in_format", "corner"):
        is_corner = layer.text("out_format", "corner") == "corner"
        changed = corners if is_corner else _centres(layer, boxes)
        left, right = layer.slice(flat, 2, 0, start), layer.slice(flat, 2, start + 4, None)
        parts = [part for part in (left, changed, right) if part.shape[2]]
        flat = layer.emit("Concat", *parts, axis=2)
    flat = compacted(layer, flat, survives)
    if entered < count:
        rest = layer.constant(-1, flat.dtype)
        rest = expanded(layer, rest, (flat.sizes[0], count - entered, width))
        flat = layer.emit("Concat", flat, rest, axis=1)
    if layer.used - {0}:
        raise layer.refusal("its indices are read as an output")
    return [layer.build.reshape(flat, data.sizes)]


def column(layer: Layer, rows: Tensor, number: int) -> Tensor:
    """(B, N) numbers of a column of (B, N, W) rows."""
    return layer.squeeze(layer.slice(rows, 2, number, number + 1), 2)


def rows_at(layer: Layer, rows: Tensor, order: Tensor) -> Tensor:
    """(B, k, W) rows at the (B, k) int64 positions of each image."""
    shape = (*order.sizes, rows.sizes[2])
    positions = layer.unsqueeze(order, 2)
    return layer.emit("GatherND", rows, positions, batch_dims=1, shape=shape)


def suppressed(
    layer: Layer,
    boxes: Tensor,
    scores: Tensor,
    labels: Tensor | None,
    overlap: float,
    threshold: float,
) -> Tensor:
    """(B, N) float, 1 for the boxes that are kept.

    Args:
        layer: layer that is converted.
        boxes: (B, N, 4) corners.
        scores: (B, N).
        labels: (B, N) classes within which boxes are compared; None: all are.
        overlap: IoU above which the box of the lower score, or of the higher row, is dropped.
        threshold: boxes with this score, or a lower one, are dropped.
    """
    emit = layer.emit
    low, high = layer.slice(boxes, 2, 0, 2), layer.slice(boxes, 2, 2, 4)
    # A box with its corners in the wrong order is empty; ONNX would exchange them.
    boxes = emit("Concat", low, emit("Max", low, high), axis=2)
    by_class = layer.unsqueeze(scores, 1)
    if labels is not None:
        whole = layer.cast(labels, np.int64)
        ends = [layer.build.reduce(op, whole, [0, 1]) for op in ("ReduceMin", "ReduceMax")]
        end = emit("Add", ends[1], layer.constant(1, np.int64))
        classes = layer.unsqueeze(emit("Range", ends[0], end, layer.constant(1, np.int64)), 0, 2)
        is_of_class = emit("Equal", layer.unsqueeze(whole, 1), classes)
        by_class = emit("Where", is_of_class, by_class, layer.scalar(_LOWEST, scores))
    selected = emit(
        "NonMaxSuppression",
        layer.cast(boxes, np.float32),
        layer.cast(by_class, np.float32),
        layer.constant([scores.sizes[1]], np.int64),
        layer.constant([overlap], np.float32),
        layer.constant([threshold], np.float32),
    )
    positions = emit("Gather", selected, layer.constant([0, 2], np.int64), axis=1)
    ones = layer.cast(
        emit(
            "GreaterOrEqual",
            emit("Gather", selected, layer.constant(0, np.int64), axis=1),
            layer.constant(0, np.int64),
        ),
        np.float32,
    )
    zeros = expanded(layer, layer.constant(0, np.float32), scores.sizes)
    return emit("ScatterND", zeros, positions, ones, shape=scores.sizes)


def compacted(layer: Layer, rows: Tensor, survives: Tensor) -> Tensor:
    """Kept rows in their order, then rows of -1."""
    count = rows.sizes[1]
    rank = layer.emit("Mul", survives, layer.constant(count, np.float32))
    rank = layer.emit("Sub", rank, layer.constant(np.arange(count), np.float32))
    values, order = best(layer, rank, count, 1, True)
    is_kept = layer.unsqueeze(layer.emit("Greater", values, layer.constant(0, np.float32)), 2)
    return layer.emit("Where", is_kept, rows_at(layer, rows, order), layer.scalar(-1, rows))


def _corners(layer: Layer, boxes: Tensor) -> Tensor:
    """Corners of (centre x, centre y, width, height)."""
    centre, size = layer.slice(boxes, 2, 0, 2), layer.slice(boxes, 2, 2, 4)
    half = layer.emit("Div", size, layer.scalar(2, size))
    ends = layer.emit("Sub", centre, half), layer.emit("Add", centre, half)
    return layer.emit("Concat", *ends, axis=2)


def _centres(layer: Layer, boxes: Tensor) -> Tensor:
    """(centre x, centre y, width, height) of corners."""
    low, high = layer.slice(boxes, 2, 0, 2), layer.slice(boxes, 2, 2, 4)
    centre = layer.emit("Div", layer.emit("Add", low, high), layer.scalar(2, low))
    return layer.emit("Concat", centre, layer.emit("Sub", high, low), axis=2)
