"""Checks of the settings of Faster R-CNN."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..checks import check_detector, check_overlaps, check_sizes, require

if TYPE_CHECKING:
    from .head import FasterRCNN


def check_settings(head: FasterRCNN) -> None:
    """Raise ConfigError for settings that contradict each other."""
    check_detector(head, head.strides, head.candidates)
    check_sizes(head, head.sizes, head.ratios, head.sizes_relative_to)
    check_overlaps(head, head.anchor_iou_negative, head.anchor_iou_positive)
    require(
        head,
        len({len(row) for row in head.sizes}) == 1,
        "Every level needs as many anchors as the others: they share the layers",
        "equally many sizes for each level",
        head.sizes,
    )
    require(
        head,
        0 < head.iou_positive <= 1,
        "No box can be positive",
        "0 < iou_positive <= 1",
        head.iou_positive,
    )
    names = ("channels", "hidden", "proposals", "proposal_candidates", "sampled_anchors", "sampled")
    counts = {name: getattr(head, name) for name in (*names, "max_boxes")}
    require(head, min(counts.values()) >= 1, "Counts are positive", "1 or more", counts)
    require(
        head,
        0 < head.positive_fraction <= 1 and head.canonical_size > 0,
        "A setting of the sampled boxes is out of range",
        "0 < positive_fraction <= 1, canonical_size > 0",
        f"positive_fraction {head.positive_fraction}, canonical_size {head.canonical_size}",
    )
