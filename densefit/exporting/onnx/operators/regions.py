"""Regions of interest: proposals, and features pooled from them."""

from __future__ import annotations

import numpy as np

from densefit.exporting.onnx.layer import Layer
from densefit.exporting.onnx.operators.box_nms import rows_at, suppressed
from densefit.exporting.onnx.operators.order import best
from densefit.exporting.onnx.registry import converts
from densefit.exporting.onnx.tensor import Tensor

_LOWEST = -1e30


@converts("ROIPooling")
def roi_pooling(layer: Layer) -> Tensor:
    data, rois = layer.inputs
    size = [int(side) for side in layer.sizes("pooled_size")]
    scale = layer.number("spatial_scale")
    return layer.emit("MaxRoiPool", data, rois, pooled_shape=size, spatial_scale=scale)


@converts("_contrib_ROIAlign")
def roi_align(layer: Layer) -> Tensor:
    if layer.flag("position_sensitive") or layer.build.opset < 16:
        raise layer.refusal("it is position sensitive, or the operator set is below 16")
    data, rois = layer.inputs
    height, width = (int(side) for side in layer.sizes("pooled_size"))
    image = layer.squeeze(layer.slice(rois, 1, 0, 1), 1)
    return layer.emit(
        "RoiAlign",
        data,
        layer.slice(rois, 1, 1, 5),
        layer.cast(image, np.int64),
        output_height=height,
        output_width=width,
        spatial_scale=layer.number("spatial_scale"),
        sampling_ratio=max(layer.integer("sample_ratio", -1), 0),
        mode="avg",
        coordinate_transformation_mode="half_pixel"
        if layer.flag("aligned")
        else "output_half_pixel",
    )


@converts("_contrib_Proposal", "_contrib_MultiProposal")
def proposal(layer: Layer) -> list[Tensor]:
    """(B * N, 5) rows [image, x1, y1, x2, y2], the kept ones repeated to N an image."""
    probability, offsets, info = layer.inputs
    if layer.flag("iou_loss"):
        raise layer.refusal("offsets of corners (iou_loss) are not supported")
    emit, scalar = layer.emit, layer.scalar
    images, channels, height, width = probability.sizes
    kinds = channels // 2
    count = height * width * kinds
    stride = layer.integer("feature_stride", 16)
    scores = layer.slice(probability, 1, kinds, None)
    scores = layer.build.reshape(emit("Transpose", scores, perm=[0, 2, 3, 1]), (images, count))
    offsets = layer.build.reshape(offsets, (images, kinds, 4, height, width))
    offsets = emit("Transpose", offsets, perm=[0, 3, 4, 1, 2])
    offsets = layer.build.reshape(offsets, (images, count, 4))
    anchors, cells = _anchors(layer, height, width, stride)
    limits = layer.unsqueeze(layer.slice(info, 1, 0, 2), 1)  # (B, 1, 2) height, width
    limits = emit("Concat", layer.slice(limits, 2, 1, 2), layer.slice(limits, 2, 0, 1), axis=2)
    boxes = _moved(layer, offsets, anchors, limits)
    low, high = layer.slice(boxes, 2, 0, 2), layer.slice(boxes, 2, 2, 4)
    least = emit("Mul", layer.slice(info, 1, 2, 3), scalar(layer.number("rpn_min_size", 16), info))
    least = layer.unsqueeze(least, 2)
    sides = emit("Add", emit("Sub", high, low), scalar(1, low))
    is_small = emit(
        "Less",
        layer.build.reduce("ReduceMin", emit("Sub", sides, least), [2], True),
        scalar(0, low),
    )
    margin = emit("Where", is_small, emit("Mul", least, scalar(0.5, least)), scalar(0, least))
    boxes = emit("Concat", emit("Sub", low, margin), emit("Add", high, margin), axis=2)
    real = emit("Floor", emit("Div", limits, scalar(stride, limits)))
    is_outside = emit("GreaterOrEqual", layer.constant(cells), real)
    outside = layer.cast(is_outside, np.float32)
    is_outside = layer.cast(layer.build.reduce("ReduceMax", outside, [2]), bool)
    is_bad = emit("Or", is_outside, layer.squeeze(is_small, 2))
    scores = emit("Where", is_bad, scalar(-1, scores), scores)
    entered = layer.integer("rpn_pre_nms_top_n", 6000)
    entered = min(entered, count) if entered > 0 else count
    scores, order = best(layer, scores, entered, 1, True)
    boxes = rows_at(layer, boxes, order)
    wider = layer.constant(np.array([0, 0, 1, 1], np.float32))  # sides count both of their pixels
    overlap = layer.number("threshold", 0.7)
    survives = suppressed(layer, emit("Add", boxes, wider), scores, None, overlap, _LOWEST)
    return _repeated(layer, boxes, scores, survives)


def _repeated(layer: Layer, boxes: Tensor, scores: Tensor, survives: Tensor) -> list[Tensor]:
    """The first boxes that are survives, over and over if they are few."""
    emit = layer.emit
    images, entered = scores.sizes
    total = min(layer.integer("rpn_post_nms_top_n", 300), entered)
    rank = emit("Mul", survives, layer.constant(entered, np.float32))
    rank = emit("Sub", rank, layer.constant(np.arange(entered), np.float32))
    _, order = best(layer, rank, entered, 1, True)
    number = layer.cast(layer.build.reduce("ReduceSum", survives, [1], True), np.int64)
    turn = emit("Mod", layer.constant(np.arange(total)[None], np.int64), number)
    order = emit("GatherElements", order, turn, axis=1)
    chosen = rows_at(layer, boxes, order)
    first = layer.slice(chosen, 2, 0, 1)
    zeros = emit("Mul", first, layer.scalar(0, first))
    image = layer.cast(
        emit("CumSum", emit("Add", zeros, layer.scalar(1, first)), layer.constant(0, np.int64)),
        np.float32,
    )
    image = emit("Sub", image, layer.scalar(1, first))
    rows = layer.build.reshape(emit("Concat", image, chosen, axis=2), (images * total, 5))
    if not layer.flag("output_score"):
        return [rows]
    picked = emit("GatherElements", scores, order, axis=1)
    return [rows, layer.build.reshape(picked, (images * total, 1))]


def _anchors(layer: Layer, height: int, width: int, stride: int) -> tuple[np.ndarray, np.ndarray]:
    """(N, 4) corners of all anchors, and (1, N, 2) column and row of their cells."""
    shapes = []
    area, middle = float(stride * stride), 0.5 * (stride - 1)
    for ratio in layer.sizes("ratios", (0.5, 1.0, 2.0)):
        side = np.floor(np.sqrt(np.floor(area / ratio)) + 0.5)
        for scale in layer.sizes("scales", (4.0, 8.0, 16.0, 32.0)):
            half_w = 0.5 * (side * scale - 1)
            half_h = 0.5 * (np.floor(side * ratio + 0.5) * scale - 1)
            shapes.append([middle - half_w, middle - half_h, middle + half_w, middle + half_h])
    rows, columns = np.mgrid[:height, :width]
    cells = np.stack([columns, rows], axis=-1).reshape(-1, 1, 2)
    anchors = np.array(shapes)[None] + stride * np.tile(cells, (1, 1, 2))
    cells = np.repeat(cells, len(shapes), axis=1).reshape(1, -1, 2)
    return anchors.reshape(-1, 4).astype(np.float32), cells.astype(np.float32)


def _moved(layer: Layer, offsets: Tensor, anchors: np.ndarray, limits: Tensor) -> Tensor:
    """Anchors moved and grown by offsets, cut to the image; corners are inclusive pixels."""
    emit, scalar = layer.emit, layer.scalar
    size = anchors[:, 2:] - anchors[:, :2] + 1
    centre = anchors[:, :2] + 0.5 * (size - 1)
    shift, growth = layer.slice(offsets, 2, 0, 2), layer.slice(offsets, 2, 2, 4)
    moved = emit(
        "Add", emit("Mul", shift, layer.constant(size[None])), layer.constant(centre[None])
    )
    grown = emit("Mul", emit("Exp", growth), layer.constant(size[None]))
    half = emit("Mul", emit("Sub", grown, scalar(1, grown)), scalar(0.5, grown))
    last = emit("Sub", limits, scalar(1, limits))
    ends = (
        emit("Max", emit("Min", end, last), scalar(0, end))
        for end in (emit("Sub", moved, half), emit("Add", moved, half))
    )
    return emit("Concat", *ends, axis=2)
