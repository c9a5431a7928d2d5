"""Boxes of a RetinaNet head from offsets, and their losses. Symbols."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from densefit.symbol import sym

from ..loss import box_loss as smooth_l1_loss
from ..loss import mean_over_positives, overlap_loss
from ..select import corners

#: Boxes from offsets; sides grow to at most 1000/16 of the anchor's, as in torchvision.
decode = partial(corners, variances=(1.0,) * 4, growth_limits=(-1e3, math.log(1000 / 16)))


def box_loss(kind: str, offsets: Any, box_target: Any, target: Any, anchors: Any) -> Any:
    """(B,) loss of the positive anchors' boxes, divided by their number.

    Args:
        kind: "l1" or "smooth_l1" of the offsets, or "giou", "diou", "ciou" of the boxes.
        offsets: (B, A, 4) predicted.
        box_target: (B, A, 4).
        target: (B, A): -1 ignored, 0 background, 1 + class.
        anchors: (A, 4) in center form, see `anchor_symbol`.
    """
    if kind == "l1":
        distance = sym.sum(sym.abs(offsets - box_target), axis=2)
        return mean_over_positives(distance, target)
    if kind == "smooth_l1":
        return smooth_l1_loss(offsets, box_target, target)
    return overlap_loss(kind, offsets, box_target, target, anchors, decode)
