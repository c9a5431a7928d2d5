"""Anchors and detections of SSD, and arithmetic of boxes."""

from __future__ import annotations

import numpy as np

from densefit.exporting.onnx.layer import Layer
from densefit.exporting.onnx.operators.box_nms import column, rows_at, suppressed
from densefit.exporting.onnx.operators.order import best
from densefit.exporting.onnx.registry import converts
from densefit.exporting.onnx.tensor import Tensor, product


@converts("_contrib_MultiBoxPrior")
def multibox_prior(layer: Layer) -> Tensor:
    """(1, H * W * K, 4) corners as fractions of the image: a constant."""
    height, width = layer.data.sizes[2:]
    sizes = np.array(layer.sizes("sizes", (1.0,)), np.float32)
    roots = np.sqrt(np.array(layer.sizes("ratios", (1.0,)), np.float32))
    offsets, steps = layer.sizes("offsets", (0.5, 0.5)), layer.sizes("steps", (-1.0, -1.0))
    step_y, step_x = (
        np.float32(step if step > 0 else 1 / size) for step, size in zip(steps, (height, width))
    )
    y = (np.arange(height, dtype=np.float32) + np.float32(offsets[0])) * step_y
    x = (np.arange(width, dtype=np.float32) + np.float32(offsets[1])) * step_x
    aspect = np.float32(height / width)
    # Every size in the first ratio, then the first size in every further ratio.
    sides = [(size, roots[0]) for size in sizes] + [(sizes[0], root) for root in roots[1:]]
    half_w = np.array([size * aspect * root / 2 for size, root in sides], np.float32)
    half_h = np.array([size / root / 2 for size, root in sides], np.float32)
    x, y = np.broadcast_arrays(x[None, :, None], y[:, None, None])
    corners = [x - half_w, y - half_h, x + half_w, y + half_h]
    boxes = np.stack(corners, axis=-1).reshape(1, -1, 4)
    return layer.constant(boxes.clip(0, 1) if layer.flag("clip") else boxes)


@converts("_contrib_MultiBoxDetection")
def multibox_detection(layer: Layer) -> Tensor:
    """(B, A, 6) rows [class, score, x1, y1, x2, y2] by falling score; -1 is no class."""
    probability, offsets, anchors = layer.inputs
    rows, _, count = probability.sizes
    emit = layer.emit
    foreground = layer.slice(probability, 1, 1, None)
    score = layer.build.reduce("ReduceMax", foreground, [1])
    label = layer.cast(emit("ArgMax", foreground, axis=1, keepdims=0), np.float32)
    threshold = layer.number("threshold", 0.01)
    is_object = emit("GreaterOrEqual", score, layer.scalar(threshold, score))
    offsets = layer.build.reshape(offsets, (rows, count, 4))
    variances = np.array(layer.sizes("variances", (0.1, 0.1, 0.2, 0.2)), np.float32)
    boxes = decoded(layer, offsets, anchors, variances)
    if layer.flag("clip", True):
        boxes = emit("Clip", boxes, layer.scalar(0, boxes), layer.scalar(1, boxes))
    limit, overlap = layer.integer("nms_topk", -1), layer.number("nms_threshold", 0.5)
    suppresses = 0 < overlap <= 1
    rank = emit("Where", is_object, score, layer.scalar(-1, score))
    rank, order = best(layer, rank, count, 1, True)
    if not suppresses:  # then MXNet does not sort, either
        order = _objects_first(layer, is_object)
    flat = emit("Concat", layer.unsqueeze(label, 2), layer.unsqueeze(score, 2), boxes, axis=2)
    rows_before = flat
    flat = rows_at(layer, flat, order)
    is_valid = emit("GreaterOrEqual", rank, layer.scalar(threshold, rank))
    if suppresses and 0 < limit < count:
        is_first = layer.constant((np.arange(count) < limit)[None])
        is_kept = emit("And", is_valid, is_first)
        # Behind the limit MXNet leaves rows in the order of their anchors, without a class.
        rows_left = rows_at(layer, rows_before, _objects_first(layer, is_object))
        flat = emit("Where", layer.unsqueeze(is_first, 2), flat, rows_left)
    else:
        is_kept = is_valid
    if suppresses:
        scores = emit("Where", is_kept, rank, layer.scalar(-1, rank))
        labels = None if layer.flag("force_suppress") else column(layer, flat, 0)
        # MXNet drops a box whose overlap equals the threshold, too.
        limit_below = float(np.nextafter(np.float32(overlap), np.float32(0)))
        corners = layer.slice(flat, 2, 2, 6)
        chosen = suppressed(layer, corners, scores, labels, limit_below, -0.5)
        is_kept = emit("And", is_kept, layer.cast(chosen, bool))
    minus = layer.scalar(-1, flat)
    flat = emit("Where", layer.unsqueeze(is_valid, 2), flat, minus)
    label = emit("Where", layer.unsqueeze(is_kept, 2), layer.slice(flat, 2, 0, 1), minus)
    return emit("Concat", label, layer.slice(flat, 2, 1, 6), axis=2)


def _objects_first(layer: Layer, is_object: Tensor) -> Tensor:
    """(B, A) int64 positions of objects, then of other rows, each in the order of the rows."""
    count = is_object.sizes[1]
    number = layer.constant(np.arange(count) / (2 * count), np.float32)
    rank = layer.emit("Sub", layer.cast(is_object, np.float32), number)
    return best(layer, rank, count, 1, True)[1]


def decoded(layer: Layer, offsets: Tensor, anchors: Tensor, scales: np.ndarray) -> Tensor:
    """Corners of boxes from their offsets (B, N, 4) to anchors (1, N, 4), given by corners."""
    emit = layer.emit
    low, high = layer.slice(anchors, 2, 0, 2), layer.slice(anchors, 2, 2, 4)
    size = emit("Sub", high, low)
    half = layer.scalar(0.5, size)
    centre = emit("Mul", emit("Add", low, high), half)
    scaled = emit("Mul", offsets, layer.constant(scales.astype(offsets.dtype)))
    shift, growth = layer.slice(scaled, 2, 0, 2), layer.slice(scaled, 2, 2, 4)
    centre = emit("Add", emit("Mul", shift, size), centre)
    size = emit("Mul", emit("Mul", emit("Exp", growth), size), half)
    return emit("Concat", emit("Sub", centre, size), emit("Add", centre, size), axis=2)


@converts("_contrib_box_decode")
def box_decode(layer: Layer) -> Tensor:
    offsets, anchors = layer.inputs
    scales = np.array([layer.number(f"std{number}", 1.0) for number in range(4)], np.float32)
    if layer.text("format", "center") == "center":
        centre, size = layer.slice(anchors, 2, 0, 2), layer.slice(anchors, 2, 2, 4)
        half = layer.emit("Mul", size, layer.scalar(0.5, size))
        ends = layer.emit("Sub", centre, half), layer.emit("Add", centre, half)
        anchors = layer.emit("Concat", *ends, axis=2)
    if layer.number("clip", -1.0) > 0:
        raise layer.refusal("clipped growth is not supported")
    return decoded(layer, offsets, anchors, scales)


@converts("_contrib_box_iou")
def box_iou(layer: Layer) -> Tensor:
    if layer.text("format", "corner") != "corner":
        raise layer.refusal("boxes by their corners are supported")
    left, right = layer.inputs
    shape = (*left.sizes[:-1], *right.sizes[:-1])
    left, right = (_rows(layer, boxes) for boxes in (left, right))
    left, right = layer.unsqueeze(left, 1), layer.unsqueeze(right, 0)
    emit, areas = layer.emit, []
    for boxes in (left, right):
        areas.append(_area(layer, layer.slice(boxes, 2, 0, 2), layer.slice(boxes, 2, 2, 4)))
    low = emit("Max", layer.slice(left, 2, 0, 2), layer.slice(right, 2, 0, 2))
    high = emit("Min", layer.slice(left, 2, 2, 4), layer.slice(right, 2, 2, 4))
    common = _area(layer, low, high)
    union = emit("Sub", emit("Add", *areas), common)
    is_empty = emit("LessOrEqual", common, layer.scalar(0, common))
    result = emit("Where", is_empty, layer.scalar(0, common), emit("Div", common, union))
    return layer.build.reshape(result, shape)


def _rows(layer: Layer, boxes: Tensor) -> Tensor:
    """(N, 4) boxes of any number of axes."""
    return layer.build.reshape(boxes, (product(boxes.sizes[:-1]), 4))


def _area(layer: Layer, low: Tensor, high: Tensor) -> Tensor:
    """Area of boxes by their corners; 0 for corners in the wrong order."""
    sides = layer.emit("Sub", high, low)
    sides = layer.emit("Max", sides, layer.scalar(0, sides))
    return layer.emit(
        "Mul",
        layer.squeeze(layer.slice(sides, 2, 0, 1), 2),
        layer.squeeze(layer.slice(sides, 2, 1, 2), 2),
    )
