"""Boxes of an FCOS head from distances, and the losses of its positive points. Symbols."""

from __future__ import annotations

from typing import Any

from densefit.model.losses.binary_cross_entropy import binary_cross_entropy
from densefit.model.losses.boxes import iou_loss
from densefit.symbol import sym

from ..loss import mean_over_positives


def boxes_around(distances: Any, points: Any) -> Any:
    """xyxy boxes from (B, N, 4) distances to left, top, right, bottom and (B, N, 4) points.

    Args:
        distances: in sides of the points, 0 or more.
        points: center x, center y, width, height.
    """
    center, side = (sym.slice_axis(points, axis=2, begin=i, end=i + 2) for i in (0, 2))
    before, after = (sym.slice_axis(distances, axis=2, begin=i, end=i + 2) for i in (0, 2))
    return sym.concat(center - before * side, center + after * side, dim=2)


def overlap_loss(kind: str, distances: Any, box_target: Any, target: Any) -> Any:
    """(B,) mean of 1 - GIoU, DIoU or CIoU over the positive points.

    Args:
        kind: "giou", "diou" or "ciou".
        distances: (B, P, 4) predicted, in strides.
        box_target: (B, P, 4).
        target: (B, P): -1 ignored, 0 background, 1 + class.
    """
    # The overlap does not change with the place and the unit.
    predicted, truth = (_around_origin(sides) for sides in (distances, box_target))
    return mean_over_positives(iou_loss(kind, predicted, truth), target)


def centerness_loss(logits: Any, centerness: Any, target: Any) -> Any:
    """(B,) mean binary cross-entropy of the centerness over the positive points.

    Args:
        logits: (B, P).
        centerness: (B, P), 0 to 1.
        target: (B, P): -1 ignored, 0 background, 1 + class.
    """
    return mean_over_positives(binary_cross_entropy(logits, centerness), target)


def _around_origin(distances: Any) -> Any:
    before, after = (sym.slice_axis(distances, axis=2, begin=i, end=i + 2) for i in (0, 2))
    return sym.concat(-before, after, dim=2)
