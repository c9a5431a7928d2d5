"""Match detections with true boxes by the rules of the PASCAL VOC devkit."""

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
    predicted: Mapping[str, np.ndarray], truth: Mapping[str, np.ndarray], offset: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Find for each detection the true box of its class and image that it overlaps most.

    The devkit uses the largest overlap only: if that box is taken, the detection does not go to the
    second best. Of equal overlaps the first box wins.

    Args:
        predicted: columns "image", "classes", "boxes"; m rows.
        truth: the same columns; n rows.
        offset: 1.0 for edges that are inclusive whole pixels.

    Returns:
        (overlap (m,) float64, index into `truth` (m,) int64); 0.0 and -1 where the image has no
        box of the class.
    """
    overlap = np.zeros(len(predicted["image"]))
    index = np.full(len(predicted["image"]), -1, np.int64)
    classes = 1 + int(max(predicted["classes"].max(initial=0), truth["classes"].max(initial=0)))
    keys = predicted["image"].astype(np.int64) * classes + predicted["classes"]
    true_keys = truth["image"].astype(np.int64) * classes + truth["classes"]
    order = np.argsort(true_keys, kind="stable")
    true_keys = true_keys[order]
    begin = np.searchsorted(true_keys, keys, "left")
    count = np.searchsorted(true_keys, keys, "right") - begin
    matchable = np.flatnonzero(count)
    # A group of image and class is identified by the index of its first true box.
    _, group, sizes = np.unique(begin[matchable], return_inverse=True, return_counts=True)
    large = sizes[group] * count[matchable] > _MANY
    for rows in _by_group(matchable[large], group[large]):
        boxes = order[begin[rows[0]] : begin[rows[0]] + count[rows[0]]]
        step = max(1, _PAIRS // len(boxes))
        for part in np.split(rows, range(step, len(rows), step)):
            ious = pairwise_iou(predicted["boxes"][part], truth["boxes"][boxes], offset)
            best = ious.argmax(axis=1)  # the first of equals
            overlap[part], index[part] = ious[np.arange(len(part)), best], boxes[best]
    count[matchable[large]] = 0  # done
    matchable = matchable[~large]
    pairs = np.cumsum(count)
    cuts = np.searchsorted(
        pairs[matchable], np.arange(_PAIRS, pairs[-1] if len(pairs) else 0, _PAIRS)
    )
    for rows in np.split(matchable, cuts):
        if len(rows):
            overlap[rows], index[rows] = _best(predicted, truth, order, rows, begin, count, offset)
    return overlap, index


def _by_group(rows: np.ndarray, group: np.ndarray) -> list[np.ndarray]:
    """Split rows by group."""
    order = np.argsort(group, kind="stable")
    cuts = np.flatnonzero(np.diff(group[order])) + 1
    return [part for part in np.split(rows[order], cuts) if len(part)]


def _best(
    predicted: Mapping[str, np.ndarray],
    truth: Mapping[str, np.ndarray],
    order: np.ndarray,
    rows: np.ndarray,
    begin: np.ndarray,
    count: np.ndarray,
    offset: float,
) -> tuple[np.ndarray, np.ndarray]:
    """`match` of `rows`: the candidates of row i are order[begin[i] : begin[i] + count[i]]."""
    many = count[rows]
    first = np.cumsum(many) - many  # where each row's pairs begin
    candidates = order[np.arange(many.sum()) + np.repeat(begin[rows] - first, many)]
    boxes = np.repeat(predicted["boxes"][rows], many, axis=0)
    ious = paired_iou(boxes, truth["boxes"][candidates], offset)
    largest = np.maximum.reduceat(ious, first)
    reached = np.flatnonzero(ious == np.repeat(largest, many))
    return largest, candidates[reached[np.searchsorted(reached, first)]]


@dataclass(frozen=True)
class Verdicts:
    """True and false positives among all detections, by class and descending score.

    Attributes:
        bounds: (K + 1,) int64: class k has the rows bounds[k] to bounds[k + 1] - 1.
        image: (m,) int64, rank of the image.
        scores: (m,) float64.
        right: (m,) bool, true positives: the first detection of a true box.
        wrong: (m,) bool, false positives; a match with a box that does not count is neither.
        true_image, true_class: (p,) int64, of the true boxes that count.
    """

    bounds: np.ndarray
    image: np.ndarray
    scores: np.ndarray
    right: np.ndarray
    wrong: np.ndarray
    true_image: np.ndarray
    true_class: np.ndarray


def evaluate(
    predicted: Mapping[str, np.ndarray],
    truth: Mapping[str, np.ndarray],
    classes: int,
    iou: float,
    offset: float = 0.0,
) -> Verdicts:
    """Tell true from false positives.

    Detections are taken by descending score, equal scores in the order given. A detection whose
    best overlap is `iou` or more is a true positive if it is the first of its true box, else a
    duplicate and a false positive.

    Args:
        predicted: columns "image", "classes", "boxes", "scores".
        truth: columns "image", "classes", "boxes", "difficult", "crowd"; boxes with either flag
            are left out, with all detections that match them.
        classes: K, the number of classes.
        iou: smallest overlap of a true positive.
        offset: see `match`.
    """
    overlap, index = match(predicted, truth, offset)
    counts = ~(truth["difficult"] | truth["crowd"])
    order = np.lexsort((-predicted["scores"], predicted["classes"]))  # stable
    box = np.where(overlap >= iou, index, -1)[order]
    first = np.zeros(len(box), bool)
    boxes, firsts = np.unique(box, return_index=True)
    first[firsts[boxes >= 0]] = True
    matters = np.append(counts, True)[box]  # -1, no box, is the appended one
    return Verdicts(
        bounds=np.searchsorted(predicted["classes"][order], np.arange(classes + 1)),
        image=predicted["image"][order],
        scores=predicted["scores"][order],
        right=first & matters,
        wrong=~first & matters,
        true_image=truth["image"][counts],
        true_class=truth["classes"][counts],
    )
