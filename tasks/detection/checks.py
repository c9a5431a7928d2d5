"""Checks of a detection head's settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from densefit.errors import ConfigError
from densefit.model.loss_weights import check_weight
from densefit.model.losses.boxes import OVERLAPS

if TYPE_CHECKING:
    from .head import Detection

BOX_LOSSES = ("smooth_l1", *OVERLAPS)
METRICS = ("coco", "voc", "voc07", "both")


def sizes_per_level(
    sizes: Sequence[float] | Sequence[Sequence[float]], strides: tuple[int, ...]
) -> tuple[tuple[float, ...], ...]:
    """Anchor sizes of each level, from one list for all levels or a list for each level."""
    nested = [row for row in sizes if isinstance(row, Sequence)]
    if nested and len(nested) != len(sizes):
        raise ConfigError(
            "Anchor sizes are numbers for all levels, or a list for each level",
            received=sizes,
        )
    if nested:
        return tuple(tuple(float(size) for size in row) for row in nested)
    return (tuple(float(size) for size in sizes),) * len(strides)  # type: ignore[arg-type]


def check_settings(head: Detection) -> None:
    """Raise ConfigError for settings that contradict each other."""

    def require(holds: bool, what: str, expected: str, received: object) -> None:
        if not holds:
            where = f"head {head.name!r}"
            raise ConfigError(what, expected=expected, received=received, where=where)

    check_weight(head.box_weight, "box_weight", f"head {head.name!r}")
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
    require(
        len(head.sizes) == len(head.strides) and all(head.sizes) and bool(head.ratios),
        "Every level needs anchors",
        f"ratios, and sizes for each of the {len(head.strides)} levels",
        f"ratios {head.ratios}, sizes {head.sizes}",
    )
    require(
        min(min(row) for row in head.sizes) > 0 and min(head.ratios) > 0,
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
        0 < head.iou_negative <= head.iou_positive <= 1,
        "The overlaps that make an anchor positive or negative contradict each other",
        "0 < iou_negative <= iou_positive <= 1",
        f"iou_negative {head.iou_negative}, iou_positive {head.iou_positive}",
    )
    require(
        head.min_negatives >= 1 and head.negatives_per_positive >= 0,
        "Background must be trained",
        "min_negatives >= 1, negatives_per_positive >= 0",
        f"{head.min_negatives}, {head.negatives_per_positive}",
    )
    require(
        1 <= head.max_detections <= head.candidates,
        "More detections are asked for than go into the suppression",
        "1 <= max_detections <= candidates",
        f"max_detections {head.max_detections}, candidates {head.candidates}",
    )
    require(head.metric in METRICS, "Unknown metric", " or ".join(map(repr, METRICS)), head.metric)
    losses = " or ".join(map(repr, BOX_LOSSES))
    require(head.box_loss in BOX_LOSSES, "Unknown loss of boxes", losses, head.box_loss)


def check_exact_count(count: int, what: str, where: str) -> None:
    """Raise ConfigError if `count` is not exact in float32, the type of MXNet's indices."""
    if count >= 2**24:
        raise ConfigError(
            f"Too many {what} to count exactly in float32",
            expected=f"less than {2**24}",
            received=count,
            where=where,
            fix="use a smaller input, or fewer anchors or classes",
        )
