"""Checks of a detection head's settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from densefit.errors import ConfigError
from densefit.model.loss_weights import check_weight
from densefit.model.losses.boxes import OVERLAPS

if TYPE_CHECKING:
    from .box_head import BoxHead
    from .faster_rcnn.head import FasterRCNN
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


def require(head: BoxHead, holds: bool, what: str, expected: str, received: object) -> None:
    """Raise ConfigError unless a condition on the head's settings holds."""
    if not holds:
        where = f"head {head.name!r}"
        raise ConfigError(what, expected=expected, received=received, where=where)


def check_detector(head: BoxHead, strides: Sequence[int], candidates: int) -> None:
    """Raise ConfigError for wrong settings that all detectors have.

    Args:
        head: the detector.
        strides: strides of its levels.
        candidates: number of boxes that enter the suppression.
    """
    doubled = all(b == 2 * a for a, b in zip(strides, strides[1:]))
    require(head, bool(head.classes), "A detection head needs classes", "1 or more", head.classes)
    require(
        head,
        len(set(head.classes)) == len(head.classes),
        "A class is named twice",
        "different names",
        head.classes,
    )
    require(
        head,
        bool(strides) and strides[0] in (4, 8, 16, 32) and doubled,
        "The strides of a detection head do not fit a backbone",
        "4, 8, 16 or 32 first, and each twice the previous one",
        tuple(strides),
    )
    require(
        head,
        1 <= head.max_detections <= candidates,
        "More detections are asked for than go into the suppression",
        "1 <= max_detections <= candidates",
        f"max_detections {head.max_detections}, candidates {candidates}",
    )
    metrics = " or ".join(map(repr, METRICS))
    require(head, head.metric in METRICS, "Unknown metric", metrics, head.metric)


def check_sizes(
    head: Detection | FasterRCNN,
    sizes: Sequence[Sequence[float]],
    ratios: Sequence[float],
    relative_to: str,
) -> None:
    """Raise ConfigError for anchors that a level lacks, or that have no area.

    Args:
        head: the detector.
        sizes: sides of the anchors of each level.
        ratios: their ratios.
        relative_to: unit of the sides.
    """
    require(
        head,
        len(sizes) == len(head.strides) and all(sizes) and bool(ratios),
        "Every level needs anchors",
        f"ratios, and sizes for each of the {len(head.strides)} levels",
        f"ratios {ratios}, sizes {sizes}",
    )
    require(
        head,
        min(min(row) for row in sizes) > 0 and min(ratios) > 0,
        "Anchors need an area",
        "positive sizes and ratios",
        f"ratios {ratios}, sizes {sizes}",
    )
    require(
        head,
        relative_to in ("stride", "input"),
        "Unknown unit of the anchors' sizes",
        "'stride' or 'input'",
        relative_to,
    )


def check_overlaps(head: BoxHead, iou_negative: float, iou_positive: float) -> None:
    """Raise ConfigError if the overlaps that make anchors negative or positive contradict."""
    require(
        head,
        0 < iou_negative <= iou_positive <= 1,
        "The overlaps that make an anchor positive or negative contradict each other",
        "0 < iou_negative <= iou_positive <= 1",
        f"iou_negative {iou_negative}, iou_positive {iou_positive}",
    )


def check_tower(
    head: BoxHead, channels: int, depth: int, focal: tuple[float, float, float]
) -> None:
    """Raise ConfigError for wrong settings of the towers and of the focal loss.

    Args:
        head: the detector.
        channels: channels of the towers.
        depth: number of their convolutions.
        focal: alpha, gamma, and the initial score.
    """
    alpha, gamma, prior = focal
    require(
        head,
        channels >= 1 and depth >= 0,
        "A tower cannot be built",
        "channels >= 1, depth >= 0",
        f"channels {channels}, depth {depth}",
    )
    require(
        head,
        0 <= alpha <= 1 <= gamma and 0 < prior < 1,
        "The focal loss has no such settings",
        "alpha from 0 to 1, gamma 1 or more, prior between 0 and 1",
        f"alpha {alpha}, gamma {gamma}, prior {prior}",
    )


def check_settings(head: Detection) -> None:
    """Raise ConfigError for settings of SSD that contradict each other."""
    check_weight(head.box_weight, "box_weight", f"head {head.name!r}")
    check_detector(head, head.strides, head.candidates)
    check_overlaps(head, head.iou_negative, head.iou_positive)
    check_sizes(head, head.sizes, head.ratios, head.sizes_relative_to)
    require(
        head,
        head.min_negatives >= 1 and head.negatives_per_positive >= 0,
        "Background must be trained",
        "min_negatives >= 1, negatives_per_positive >= 0",
        f"{head.min_negatives}, {head.negatives_per_positive}",
    )
    losses = " or ".join(map(repr, BOX_LOSSES))
    require(head, head.box_loss in BOX_LOSSES, "Unknown loss of boxes", losses, head.box_loss)


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
