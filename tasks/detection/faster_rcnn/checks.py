"""Checks of the settings of Faster R-CNN."""

from __future__ import annotations

from typing import TYPE_CHECKING

from densefit.errors import ConfigError
from densefit.tasks.detection.checks import METRICS

if TYPE_CHECKING:
    from .head import FasterRCNN


def check_settings(head: FasterRCNN) -> None:
    """Raise ConfigError for settings that contradict each other."""

    def require(holds: bool, what: str, expected: str, received: object) -> None:
        if not holds:
            where = f"head {head.name!r}"
            raise ConfigError(what, expected=expected, received=received, where=where)

    doubled = all(b == 2 * a for a, b in zip(head.strides, head.strides[1:]))
    require(bool(head.classes), "A detection head needs classes", "1 or more", head.classes)
    require(
        len(set(head.classes)) == len(head.classes),
        "A class is named twice",
        "different names",
        head.classes,
    )
    require(
        bool(head.strides) and head.strides[0] in (4, 8, 16, 32) and doubled,
        "The strides of a detection head do not fit a backbone",
        "4, 8, 16 or 32 first, and each twice the previous one",
        head.strides,
    )
    kinds = {len(row) for row in head.sizes}
    require(
        len(head.sizes) == len(head.strides) and len(kinds) == 1 and 0 not in kinds,
        "Every level needs anchors, and as many as the others: they share the layers",
        f"equally many sizes for each of the {len(head.strides)} levels",
        head.sizes,
    )
    require(
        bool(head.ratios) and min(min(row) for row in head.sizes) > 0 and min(head.ratios) > 0,
        "Anchors need an area",
        "positive sizes and ratios",
        f"ratios {head.ratios}, sizes {head.sizes}",
    )
    require(
        head.sizes_relative_to in ("stride", "input"),
        "Unknown unit of the anchors' sizes",
        "'stride' or 'input'",
        head.sizes_relative_to,
    )
    require(
        0 < head.anchor_iou_negative <= head.anchor_iou_positive <= 1
        and 0 < head.iou_positive <= 1,
        "The overlaps that make an anchor or a box positive or negative contradict each other",
        "0 < anchor_iou_negative <= anchor_iou_positive <= 1, 0 < iou_positive <= 1",
        f"{head.anchor_iou_negative}, {head.anchor_iou_positive}, {head.iou_positive}",
    )
    names = ("channels", "hidden", "proposals", "proposal_candidates", "sampled_anchors", "sampled")
    counts = {name: getattr(head, name) for name in (*names, "max_boxes")}
    require(min(counts.values()) >= 1, "Counts are positive", "1 or more", counts)
    require(
        1 <= head.max_detections <= head.candidates,
        "More detections are asked for than go into the suppression",
        "1 <= max_detections <= candidates",
        f"max_detections {head.max_detections}, candidates {head.candidates}",
    )
    positive = 0 < head.positive_fraction <= 1 and head.canonical_size > 0
    require(
        positive,
        "A setting of the sampled boxes is out of range",
        "0 < positive_fraction <= 1, canonical_size > 0",
        f"positive_fraction {head.positive_fraction}, canonical_size {head.canonical_size}",
    )
    require(head.metric in METRICS, "Unknown metric", " or ".join(map(repr, METRICS)), head.metric)
