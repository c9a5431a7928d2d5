"""Checks of a RetinaNet head's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from densefit.model.loss_weights import check_weight
from densefit.model.losses.boxes import OVERLAPS

from ..checks import check_detector, check_overlaps, check_tower, require

if TYPE_CHECKING:
    from .head import RetinaNet

BOX_LOSSES = ("l1", "smooth_l1", *OVERLAPS)


def check_settings(head: RetinaNet) -> None:
    """Raise ConfigError for settings that contradict each other."""
    check_weight(head.box_weight, "box_weight", f"head {head.name!r}")
    check_detector(head, head.strides, head.candidates)
    check_overlaps(head, head.iou_negative, head.iou_positive)
    check_tower(head, head.channels, head.depth, (head.alpha, head.gamma, head.prior))
    require(
        head,
        len(head.sizes) == len(head.strides)
        and len({len(row) for row in head.sizes}) == 1
        and all(head.sizes)
        and bool(head.ratios),
        "Every level needs the same number of anchors",
        f"ratios, and as many sizes for each of the {len(head.strides)} levels",
        f"ratios {head.ratios}, sizes {head.sizes}",
    )
    positive = min(min(row) for row in head.sizes) > 0 and min(head.ratios) > 0
    require(
        head,
        positive and all(min(shape) > 0 for row in head.shapes((64, 64)) for shape in row),
        "Anchors need an area",
        "sizes and ratios of anchors with sides of a pixel or more",
        f"ratios {head.ratios}, sizes {head.sizes}",
    )
    for name, value, choices in (
        ("loss of boxes", head.box_loss, BOX_LOSSES),
        ("normalization", head.normalization, ("none", "group")),
        ("source of extra levels", head.extra_levels, ("pyramid", "backbone")),
    ):
        expected = " or ".join(map(repr, choices))
        require(head, value in choices, f"Unknown {name}", expected, value)
