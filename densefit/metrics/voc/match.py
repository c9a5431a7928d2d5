"""Which true box a detection is about, by the rules of the PASCAL VOC devkit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from densefit.metrics.detection.boxes import areas, pairwise_iou

# Pairs of boxes that are compared at once: enough to keep numpy busy, little beside the boxes.
_PAIRS = 1 << 18
# Groups of more pairs are compared each with each: listing their pairs takes ten times as long.
_MANY = 1 << 10


def paired_iou(first: np.ndarray, second: np.ndarray, offset: float = 0.0) -> np.ndarray:
    """Intersection over union of first[i] and second[i]; 0 where both boxes are empty.

    >>> paired_iou(np.array([[0.0, 0, 10, 10]]), np.array([[0.0, 0, 10, 5]]))
    array([0.5])

    Args:
        first: (n, 4) xyxy.
        second: (n, 4) xyxy.
        offset: 1.0 for edges that are inclusive whole pixels.

    Returns:
        (n,) float64.
    """
    low = np.maximum(first[:, :2], second[:, :2])
    high = np.minimum(first[:, 2:], second[:, 2:])
    sides = np.maximum(high - low + offset, 0.0)
    common = sides[:, 0] * sides[:, 1]
    union = areas(first, offset) + areas(second, offset) - common
    return np.divide(common, union, out=np.zeros_like(common), where=union > 0)


def match(
    found: Mapping[str, np.ndarray], truth: Mapping[str, np.ndarray], offset: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """For each detection, the true box of its class and image that it overlaps most.

    The devkit asks only for the largest overlap; whether that box is taken already is decided
    later and does not send the detection to the second best. Of equal overlaps the first box wins.

    Args:
        found: columns "image", "classes", "boxes"; m rows.
        truth: the same columns; n rows.
        offset: 1.0 for edges that are inclusive whole pixels.

    Returns:
        (overlap (m,) float64, index into `truth` (m,) int64); 0.0 and -1 where the image has no
        box of the class.
    """
    overlap = np.zeros(len(found["image"]))
    index = np.full(len(found["image"]), -1, np.int64)
    classes = 1 + int(max(found["classes"].max(initial=0), truth["classes"].max(initial=0)))
    wanted = found["image"].astype(np.int64) * classes + found["classes"]
    given = truth["image"].astype(np.int64) * classes + truth["classes"]
    order = np.argsort(given, kind="stable")
    given = given[order]
    begin = np.searchsorted(given, wanted, "left")
    count = np.searchsorted(given, wanted, "right") - begin
    some = np.flatnonzero(count)
    # A group of image and class is known by where its true boxes begin.
    _, group, sizes = np.unique(begin[some], return_inverse=True, return_counts=True)
    large = sizes[group] * count[some] > _MANY
    for rows in _by_group(some[large], group[large]):
        boxes = order[begin[rows[0]] : begin[rows[0]] + count[rows[0]]]
        step = max(1, _PAIRS // len(boxes))
        for part in np.split(rows, range(step, len(rows), step)):
            ious = pairwise_iou(found["boxes"][part], truth["boxes"][boxes], offset)
            place = ious.argmax(axis=1)  # the first of equals
            overlap[part], index[part] = ious[np.arange(len(part)), place], boxes[place]
    count[some[large]] = 0  # done
    some = some[~large]
    pairs = np.cumsum(count)
    cuts = np.searchsorted(pairs[some], np.arange(_PAIRS, pairs[-1] if len(pairs) else 0, _PAIRS))
    for rows in np.split(some, cuts):
        if len(rows):
            overlap[rows], index[rows] = _best(found, truth, order, rows, begin, count, offset)
    return overlap, index


def _by_group(rows: np.ndarray, group: np.ndarray) -> list[np.ndarray]:
    """The rows of each group."""
    order = np.argsort(group, kind="stable")
    cuts = np.flatnonzero(np.diff(group[order])) + 1
    return [part for part in np.split(rows[order], cuts) if len(part)]


def _best(
    found: Mapping[str, np.ndarray],
    truth: Mapping[str, np.ndarray],
    order: np.ndarray,
    rows: np.ndarray,
    begin: np.ndarray,
    count: np.ndarray,
    offset: float,
) -> tuple[np.ndarray, np.ndarray]:
    """`match` of some rows: the candidates of row i are order[begin[i] : begin[i] + count[i]]."""
    many = count[rows]
    first = np.cumsum(many) - many  # where each row's pairs begin
    candidates = order[np.arange(many.sum()) + np.repeat(begin[rows] - first, many)]
    boxes = np.repeat(found["boxes"][rows], many, axis=0)
    ious = paired_iou(boxes, truth["boxes"][candidates], offset)
    largest = np.maximum.reduceat(ious, first)
    reached = np.flatnonzero(ious == np.repeat(largest, many))
    return largest, candidates[reached[np.searchsorted(reached, first)]]


@dataclass(frozen=True)
class Judged:
    """All detections by class and, in it, by falling score, and what became of each.

    Attributes:
        bounds: (K + 1,) int64: class k has the rows bounds[k] to bounds[k + 1] - 1.
        image: (m,) int64, the place of the image.
        scores: (m,) float64.
        right: (m,) bool: the first detection of a true box.
        wrong: (m,) bool; neither right nor wrong is what matches a box that is left out.
        true_image, true_class: (p,) int64, of the true boxes that count.
    """

    bounds: np.ndarray
    image: np.ndarray
    scores: np.ndarray
    right: np.ndarray
    wrong: np.ndarray
    true_image: np.ndarray
    true_class: np.ndarray


def judge(
    found: Mapping[str, np.ndarray],
    truth: Mapping[str, np.ndarray],
    classes: int,
    iou: float,
    offset: float = 0.0,
) -> Judged:
    """Say of each detection whether it is right.

    Detections are taken by falling score, equal ones in the order given. One whose best overlap
    is `iou` or more is right if it is the first of its true box, else a duplicate and wrong.

    Args:
        found: columns "image", "classes", "boxes", "scores".
        truth: columns "image", "classes", "boxes", "difficult", "crowd"; boxes with either flag
            are left out, with all detections that match them.
        classes: K, their number.
        iou: smallest overlap of a right detection.
        offset: see `match`.
    """
    overlap, index = match(found, truth, offset)
    counts = ~(truth["difficult"] | truth["crowd"])
    order = np.lexsort((-found["scores"], found["classes"]))  # stable
    box = np.where(overlap >= iou, index, -1)[order]
    first = np.zeros(len(box), bool)
    boxes, places = np.unique(box, return_index=True)
    first[places[boxes >= 0]] = True
    matters = np.append(counts, True)[box]  # -1, no box, is the appended one
    return Judged(
        bounds=np.searchsorted(found["classes"][order], np.arange(classes + 1)),
        image=found["image"][order],
        scores=found["scores"][order],
        right=first & matters,
        wrong=~first & matters,
        true_image=truth["image"][counts],
        true_class=truth["classes"][counts],
    )
