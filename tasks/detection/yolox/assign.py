"""SimOTA: assign the boxes of an image to predictions, in the graph. Symbols.

Ge et al., "YOLOX: Exceeding YOLO Series in 2021", section 2.1, a short form of Ge et al., "OTA:
Optimal Transport Assignment for Object Detection", CVPR 2021. Candidates are the cells near the
centre of any box. A box takes its k cheapest ones; k is the sum of its ten largest IoUs. A cell
that several boxes take goes to the one for which it is cheapest.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from densefit.symbol import sym

from ..boxes import area, intersection

#: Weight of the IoU's cost, and the IoUs that count towards k, as in the paper.
IOU_WEIGHT, LARGEST = 3.0, 10
# Costs that order after all others: of cells far from a box's centre, and of none at all. The
# published 1e6 would leave float32 a resolution of 0.06.
_FAR, _NEVER = 1e4, 1e8
_LEAST = 1e-30  # of a probability, whose logarithm is finite


@dataclass(frozen=True)
class Sizes:
    """Number of cells A, of true boxes G with padding, and of classes."""

    cells: int
    boxes: int
    classes: int


def assigned(
    scores: Any, boxes: Any, objectness: Any, objects: Any, cells: Any, sizes: Sizes, radius: float
) -> tuple[Any, Any]:
    """(B, G, A) 1 where a cell is assigned to a box, else 0; (B, G, A) their IoU. No gradient.

    Args:
        scores: (B, A, classes) class logits.
        boxes: (B, A, 4) predicted, xyxy in input pixels.
        objectness: (B, A) logits.
        objects: (B, G, 5) true boxes [class, x1, y1, x2, y2]; class -1: none.
        cells: (A, 3) center x, center y and stride.
        sizes: the numbers A, G and classes.
        radius: distance from a box's centre, in strides, below which a cell is near.
    """
    scores, boxes, objectness = (sym.BlockGrad(part) for part in (scores, boxes, objectness))
    label, truth = (
        sym.slice_axis(objects, axis=2, begin=begin, end=end) for begin, end in ((0, 1), (1, 5))
    )
    real = label >= 0
    near = sym.broadcast_mul(_near(truth, cells, radius), real)
    candidate = sym.max(near, axis=1, keepdims=True)
    possible = sym.broadcast_mul(real, candidate)
    iou = _overlaps(truth, boxes) * possible
    cost = _class_cost(scores, objectness, sym.squeeze(label, axis=2), sizes.classes)
    cost = cost - IOU_WEIGHT * sym.log(iou + 1e-8) + _FAR * (1 - near) + _NEVER * (1 - possible)
    taken = _cheapest(cost, iou, sizes.cells) * possible
    is_contested = sym.sum(taken, axis=1, keepdims=True) > 1
    cheapest = sym.one_hot(sym.argmin(cost, axis=1), depth=sizes.boxes)
    cheapest = sym.transpose(cheapest, axes=(0, 2, 1))
    taken = sym.broadcast_mul(taken, 1 - is_contested)
    return sym.BlockGrad(taken + sym.broadcast_mul(cheapest, is_contested)), iou


def _near(truth: Any, cells: Any, radius: float) -> Any:
    """(B, G, A) 1 where a cell's centre is near a box's centre."""
    columns = [sym.slice_axis(truth, axis=2, begin=i, end=i + 1) for i in range(4)]
    centers = [(columns[i] + columns[i + 2]) / 2 for i in (0, 1)]
    x, y, stride = (
        sym.reshape(sym.slice_axis(cells, axis=1, begin=i, end=i + 1), shape=(1, 1, -1))
        for i in range(3)
    )
    away = sym.maximum(
        *(sym.abs(sym.broadcast_sub(cell, center)) for cell, center in zip((x, y), centers))
    )
    return sym.broadcast_lesser(away, stride * radius)


def _overlaps(truth: Any, boxes: Any) -> Any:
    """(B, G, A) IoU of (B, G, 4) true and (B, A, 4) predicted boxes."""
    shared = intersection(truth, boxes)
    first, second = sym.expand_dims(area(truth), axis=2), sym.expand_dims(area(boxes), axis=1)
    return shared / (sym.broadcast_add(first, second) - shared + 1e-9)


def _class_cost(scores: Any, objectness: Any, label: Any, classes: int) -> Any:
    """(B, G, A) binary cross-entropy of all classes' scores with the box's class.

    The entropy with no class at all is the same for every box; only the box's class changes it.
    """
    probability = sym.broadcast_mul(
        sym.sigmoid(scores), sym.expand_dims(sym.sigmoid(objectness), axis=2)
    )
    probability = sym.sqrt(probability)
    yes, no = (sym.log(sym.maximum(part, _LEAST)) for part in (probability, 1 - probability))
    without = sym.expand_dims(sym.sum(no, axis=2), axis=1)
    chosen = sym.one_hot(label, depth=classes)
    return sym.broadcast_sub(sym.batch_dot(chosen, no - yes, transpose_b=True), without)


def _cheapest(cost: Any, iou: Any, cells: int) -> Any:
    """(B, G, A) 1 for the k cheapest cells of each box; k is the sum of its largest IoUs."""
    most = min(LARGEST, cells)
    largest = sym.topk(iou, k=most, axis=2, ret_typ="value")
    count = sym.maximum(sym.floor(sym.sum(largest, axis=2, keepdims=True)), 1)
    order = sym.topk(cost, k=most, axis=2, ret_typ="indices", is_ascend=True)
    number = sym.reshape(sym.arange(0, cells), shape=(1, 1, cells))
    hits = []
    for rank in range(most):
        index = sym.slice_axis(order, axis=2, begin=rank, end=rank + 1)
        hits.append(sym.broadcast_mul(sym.broadcast_equal(number, index), count > rank))
    return sym.add_n(*hits)
