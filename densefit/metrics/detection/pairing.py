"""Match detections with true boxes of any class, for the confusion matrix and kinds of errors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from densefit.errors import ConfigError
from densefit.metrics.detection.boxes import pairwise_iou

#: Without a match; left out, because it counts nowhere.
UNMATCHED, LEFT_OUT = -1, -2


@dataclass(frozen=True)
class Pairing:
    """Matches of detections with true boxes, at most one for each.

    Attributes:
        iou: overlap that a match exceeds.
        score_threshold: least score of a detection that counts.
        of_detection: (m,) int64: row of the matched true box, UNMATCHED, or LEFT_OUT (a lower
            score, or without a match on a crowd or difficult box).
        of_truth: (n,) int64: row of the matched detection, UNMATCHED, or LEFT_OUT (crowd,
            difficult).
        same_class: (m,) float64: highest IoU of a detection with a true box of its class that
            counts; 0 without one.
    """

    iou: float
    score_threshold: float
    of_detection: np.ndarray
    of_truth: np.ndarray
    same_class: np.ndarray


def pair(
    detections: Mapping[str, np.ndarray],
    truth: Mapping[str, np.ndarray],
    iou: float = 0.5,
    score_threshold: float = 0.0,
) -> Pairing:
    """Match the detections of a dataset with its true boxes.

    Pairs of an image with an IoU above `iou` are matched in this order: pairs of one class before
    others, then by descending IoU. This is the rule of supervision's `ConfusionMatrix`. Crowds and
    difficult boxes count nowhere, nor do unmatched detections on them; for crowds the overlap is
    the share of the detection's area.

    Args:
        detections: "image" (m,) ascending, "boxes" (m, 4) xyxy, "classes" (m,), "scores" (m,).
        truth: "image" (n,) ascending, "boxes" (n, 4), "classes" (n,), "crowd" and "difficult"
            (n,) bool.
        iou: overlap that a match exceeds.
        score_threshold: least score of a detection.

    Raises:
        ConfigError: `iou` is no overlap.
    """
    if not 0.0 <= iou < 1.0:
        raise ConfigError("iou is no overlap", expected="0 <= iou < 1", received=iou)
    ignored = truth["crowd"] | truth["difficult"]
    of_detection = np.full(len(detections["scores"]), LEFT_OUT, np.int64)
    of_detection[detections["scores"] >= score_threshold] = UNMATCHED
    of_truth = np.where(ignored, LEFT_OUT, UNMATCHED).astype(np.int64)
    same_class = np.zeros(len(of_detection))
    for rows, truths in _images(detections, truth):
        chosen = rows[of_detection[rows] == UNMATCHED]
        counted, apart = truths[~ignored[truths]], truths[ignored[truths]]
        boxes, true = detections["boxes"][chosen], truth["boxes"][counted]
        overlaps = pairwise_iou(true, boxes)
        is_same = truth["classes"][counted][:, None] == detections["classes"][chosen]
        for row, column in _matches(overlaps, is_same, iou):
            of_truth[counted[row]] = chosen[column]
            of_detection[chosen[column]] = counted[row]
        same_class[chosen] = (overlaps * is_same).max(axis=0, initial=0.0)
        if len(apart):
            free = chosen[of_detection[chosen] == UNMATCHED]
            of_detection[free[_on_ignored(detections, truth, free, apart, iou)]] = LEFT_OUT
    return Pairing(iou, score_threshold, of_detection, of_truth, same_class)


def _images(
    detections: Mapping[str, np.ndarray], truth: Mapping[str, np.ndarray]
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the rows of detections and of true boxes of each image with a detection."""
    images, starts = np.unique(detections["image"], return_index=True)
    stops = np.append(starts[1:], len(detections["image"]))
    for image, start, stop in zip(images.tolist(), starts.tolist(), stops.tolist()):
        first, last = np.searchsorted(truth["image"], [image, image + 1])
        yield np.arange(start, stop), np.arange(first, last)


def _matches(overlaps: np.ndarray, is_same: np.ndarray, iou: float) -> Iterator[tuple[int, int]]:
    """Yield matched (row, column), each row and column at most once."""
    rows, columns = np.nonzero(overlaps > iou)
    order = np.lexsort((-overlaps[rows, columns], ~is_same[rows, columns]))
    taken_rows, taken_columns = set(), set()
    for row, column in zip(rows[order].tolist(), columns[order].tolist()):
        if row not in taken_rows and column not in taken_columns:
            taken_rows.add(row)
            taken_columns.add(column)
            yield row, column


def _on_ignored(
    detections: Mapping[str, np.ndarray],
    truth: Mapping[str, np.ndarray],
    rows: np.ndarray,
    ignored: np.ndarray,
    iou: float,
) -> np.ndarray:
    """Mask the detections `rows` that lie on one of the `ignored` true boxes, (rows,) bool."""
    boxes, true = detections["boxes"][rows], truth["boxes"][ignored]
    overlaps = pairwise_iou(boxes, true)
    sides = np.minimum(boxes[:, None, 2:], true[None, :, 2:])
    sides -= np.maximum(boxes[:, None, :2], true[None, :, :2])
    common = sides.clip(0).prod(axis=2)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)[:, None]
    share = np.divide(common, area, out=np.zeros_like(common), where=area > 0)
    return (np.where(truth["crowd"][ignored], share, overlaps) > iou).any(axis=1)
