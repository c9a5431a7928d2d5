"""Losses of boxes by their overlap. Symbols.

Boxes are (..., 4) xyxy with sides of at least 0; each loss has the shape without the last axis.
"""

from __future__ import annotations

import math
from typing import Any

from densefit.symbol import sym

_LEAST = 1e-7


def iou_loss(kind: str, boxes: Any, truth: Any) -> Any:
    """1 - GIoU, 1 - DIoU or 1 - CIoU of pairs of boxes.

    Args:
        kind: one of `OVERLAPS`.
        boxes: predicted.
        truth: true boxes, of the same shape.
    """
    return OVERLAPS[kind](boxes, truth)


def squared_iou_loss(boxes: Any, truth: Any) -> Any:
    """Compute 1 - IoU**2, as in YOLOX (Ge et al. 2021)."""
    iou, _ = _iou(boxes, truth)
    return 1 - sym.square(iou)


def giou_loss(boxes: Any, truth: Any) -> Any:
    """Compute 1 - GIoU (Rezatofighi et al., CVPR 2019): 0 to 2.

    GIoU is the IoU less the share of the enclosing box that neither box covers, so that boxes which
    do not overlap have a gradient.
    """
    iou, union = _iou(boxes, truth)
    enclosing = _product(_enclosing(boxes, truth))
    return 1 - iou + (enclosing - union) / (enclosing + _LEAST)


def diou_loss(boxes: Any, truth: Any) -> Any:
    """Compute 1 - DIoU (Zheng et al., AAAI 2020).

    DIoU is the IoU less the squared distance of the centres over the squared diagonal of the
    enclosing box.
    """
    iou, _ = _iou(boxes, truth)
    return 1 - iou + _distance(boxes, truth)


def ciou_loss(boxes: Any, truth: Any) -> Any:
    """Compute 1 - CIoU (Zheng et al., AAAI 2020): DIoU with a term for the aspect ratio.

    As in the paper, the term's factor has no gradient.
    """
    iou, _ = _iou(boxes, truth)
    angle = _angle(truth) - _angle(boxes)
    aspect = (4 / math.pi**2) * sym.square(angle)
    factor = sym.BlockGrad(aspect / (1 - iou + aspect + _LEAST))
    return 1 - iou + _distance(boxes, truth) + factor * aspect


#: Losses by name.
OVERLAPS = {"giou": giou_loss, "diou": diou_loss, "ciou": ciou_loss}


def _iou(boxes: Any, truth: Any) -> tuple[Any, Any]:
    """IoU, and area of the union."""
    low = sym.maximum(_corner(boxes, 0), _corner(truth, 0))
    high = sym.minimum(_corner(boxes, 2), _corner(truth, 2))
    shared = _product(sym.relu(high - low))
    union = _product(_sides(boxes)) + _product(_sides(truth)) - shared
    return shared / (union + _LEAST), union


def _distance(boxes: Any, truth: Any) -> Any:
    """Squared distance of the centres over the squared diagonal of the enclosing box."""
    diagonal = sym.sum(sym.square(_enclosing(boxes, truth)), axis=-1)
    centre = (_corner(boxes, 0) + _corner(boxes, 2) - _corner(truth, 0) - _corner(truth, 2)) / 2
    return sym.sum(sym.square(centre), axis=-1) / (diagonal + _LEAST)


def _angle(boxes: Any) -> Any:
    """Arc tangent of width / height."""
    width, height = (sym.squeeze(side, axis=-1) for side in _split(_sides(boxes)))
    return sym.arctan(width / (height + _LEAST))


def _split(pairs: Any) -> tuple[Any, Any]:
    return tuple(sym.slice_axis(pairs, axis=-1, begin=i, end=i + 1) for i in (0, 1))  # type: ignore[return-value]


def _corner(boxes: Any, begin: int) -> Any:
    """(..., 2) upper left (0) or lower right (2) corner."""
    return sym.slice_axis(boxes, axis=-1, begin=begin, end=begin + 2)


def _sides(boxes: Any) -> Any:
    return _corner(boxes, 2) - _corner(boxes, 0)


def _enclosing(boxes: Any, truth: Any) -> Any:
    """Sides of the smallest box around both."""
    high = sym.maximum(_corner(boxes, 2), _corner(truth, 2))
    return high - sym.minimum(_corner(boxes, 0), _corner(truth, 0))


def _product(sides: Any) -> Any:
    """Width times height."""
    width, height = _split(sides)
    return sym.squeeze(width * height, axis=-1)
