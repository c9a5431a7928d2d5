"""Losses of YOLOX, per sample. Symbols."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from densefit.model.losses.binary_cross_entropy import binary_cross_entropy
from densefit.model.losses.boxes import squared_iou_loss
from densefit.symbol import sym

from ..label_shape import sample_zeros, shaped_label
from ..select import anchor_symbol, corners
from .assign import Sizes, assigned

#: Boxes from offsets of the upper left corner of a cell: its sides are the unit.
decode = partial(corners, variances=(1.0,) * 4, growth_limits=(-10.0, 10.0))
#: Weight of the box loss, as in the authors' code.
BOX_WEIGHT = 5.0


def cell_symbol(input_size: tuple[int, int], strides: tuple[int, ...], at_corners: bool) -> Any:
    """(A, 4) cells: x, y of the centre or of the upper left corner; width, height."""
    shapes = [((float(stride), float(stride)),) for stride in strides]
    return anchor_symbol(input_size, strides, shapes, at_corners)


def losses(
    scores: Any,
    boxes: Any,
    objectness: Any,
    labels: Mapping[str, Any],
    cells: Any,
    sizes: Sizes,
    radius: float,
) -> dict[str, Any]:
    """`class_loss`, `box_loss` and `objectness_loss`, (B,) each, per positive cell of the image.

    The target of a positive cell's class is the IoU of its box. A cell without an object is no
    background where its most probable class is not annotated.

    Args:
        scores: (B, A, classes) class logits.
        boxes: (B, A, 4) predicted, xyxy in input pixels.
        objectness: (B, A) logits.
        labels: `objects`, `background` and `known`, see `ObjectEncoding.labels`.
        cells: (A, 4) with their centres, see `cell_symbol`.
        sizes: numbers of cells, boxes and classes.
        radius: distance from a box's centre, in strides, below which a cell may be positive.
    """
    objects = shaped_label(labels["objects"], (sizes.boxes, 5), sample_zeros(scores))
    center = sym.slice_axis(cells, axis=1, begin=0, end=3)
    taken, iou = assigned(scores, boxes, objectness, objects, center, sizes, radius)
    label = sym.slice_axis(objects, axis=2, begin=0, end=1)
    kinds = sym.one_hot(sym.squeeze(label, axis=2), depth=sizes.classes)
    truth = sym.slice_axis(objects, axis=2, begin=1, end=5)
    # Sums over the boxes: a cell has one of them, or none.
    truth, kinds = (sym.batch_dot(taken, part, transpose_a=True) for part in (truth, kinds))
    positive = sym.sum(taken, axis=1)
    quality = sym.expand_dims(sym.sum(taken * iou, axis=1), axis=2)
    count = sym.maximum(sym.sum(positive, axis=1), 1)

    annotated = sym.slice_axis(labels["known"], axis=1, begin=1, end=None)
    entropy = binary_cross_entropy(scores, sym.broadcast_mul(kinds, quality))
    entropy = sym.broadcast_mul(entropy, sym.expand_dims(annotated, axis=1))
    likely = sym.one_hot(sym.BlockGrad(sym.argmax(scores, axis=2)), depth=sizes.classes)
    is_annotated = sym.sum(sym.broadcast_mul(likely, sym.expand_dims(annotated, axis=1)), axis=2)
    is_background = labels["background"] * is_annotated
    trained = sym.maximum(positive, is_background)
    return {
        "class_loss": sym.sum(sym.sum(entropy, axis=2) * positive, axis=1) / count,
        "box_loss": sym.sum(squared_iou_loss(boxes, truth) * positive, axis=1) / count,
        "objectness_loss": sym.sum(binary_cross_entropy(objectness, positive) * trained, axis=1)
        / count,
    }
