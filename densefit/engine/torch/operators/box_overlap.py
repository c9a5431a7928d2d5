"""Areas, intersections and IoU of boxes, and their one-to-one assignment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.operators.registry import Compute, operator


def areas(boxes: Any, is_center: bool = False) -> Any:
    """Areas of (..., 4) boxes; 0 where a side is negative."""
    sides = boxes[..., 2:] if is_center else boxes[..., 2:] - boxes[..., :2]
    return torch.where((sides < 0).any(-1), 0.0, sides[..., 0] * sides[..., 1])


def corners(boxes: Any, is_center: bool = False) -> Any:
    """(..., 4) boxes as x1, y1, x2, y2."""
    if not is_center:
        return boxes
    center, half = boxes[..., :2], boxes[..., 2:] / 2
    return torch.cat([center - half, center + half], dim=-1)


def intersections(one: Sequence[Any], other: Sequence[Any]) -> Any:
    """Area that boxes x1, y1, x2, y2 share, broadcast."""
    width = torch.minimum(one[2], other[2]).sub_(torch.maximum(one[0], other[0])).clamp_(min=0)
    height = torch.minimum(one[3], other[3]).sub_(torch.maximum(one[1], other[1])).clamp_(min=0)
    return width.mul_(height)


@operator("_contrib_box_iou")
def box_iou(attrs: Attributes) -> Compute:
    """IoU of every box of the first array with every box of the second; no gradient."""
    is_center = attrs.text("format", "corner") == "center"

    def compute(run: Any, lhs: Any, rhs: Any) -> Any:
        one, other = lhs.detach().reshape(-1, 1, 4), rhs.detach().reshape(1, -1, 4)
        shared = intersections(*(corners(b, is_center).unbind(-1) for b in (one, other)))
        union = areas(one, is_center) + areas(other, is_center) - shared
        iou = torch.where(shared > 0, shared / union, 0.0)
        return iou.reshape(*lhs.shape[:-1], *rhs.shape[:-1])

    return compute
