"""Average precision by the rules of the PASCAL VOC devkit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from densefit.errors import ConfigError
from densefit.metrics.boxes import pairwise_iou
from densefit.metrics.classes import mean_defined
from densefit.metrics.detections import DetectionMetric
from densefit.metrics.metric import metrics

CONVENTIONS = ("area", "11point")


def average_precision(recall: np.ndarray, precision: np.ndarray, convention: str = "area") -> float:
    """One number for a precision/recall curve.

    >>> average_precision(np.array([0.5, 0.5, 1.0]), np.array([1.0, 0.5, 2 / 3]))
    0.8333333333333333

    Args:
        recall: (m,) rising, over detections of falling score.
        precision: (m,).
        convention: "area": the area under the curve, made to fall monotonically (VOC 2010 and
            later); "11point": the mean of the best precision at recall 0, 0.1, ... 1 (VOC 2007).
    """
    if convention == "11point":
        # Thresholds as multiples of 0.1 in double, 0.30000000000000004 included: what the
        # published implementations compare with.
        best = [precision[recall >= step * 0.1].max(initial=0.0) for step in range(11)]
        return float(sum(best) / 11)
    recall = np.concatenate([[0.0], recall, [1.0]])
    precision = np.concatenate([[0.0], precision, [0.0]])
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    steps = np.flatnonzero(recall[1:] != recall[:-1])
    return float(np.sum((recall[steps + 1] - recall[steps]) * envelope[steps + 1]))


def match(
    found: Mapping[str, np.ndarray], truth: Mapping[str, np.ndarray], offset: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """For each detection, the true box of its class and image that it overlaps most.

    The devkit asks only for the largest overlap; whether that box is taken already is decided
    later and does not send the detection to the second best.

    Args:
        found: columns "image", "classes", "boxes", sorted by image; m rows.
        truth: the same columns, n rows.
        offset: 1.0 for edges that are inclusive pixels.

    Returns:
        (overlap (m,) float64, index into `truth` (m,) int64); 0.0 and -1 where the image has no
        box of the class.
    """
    overlap = np.zeros(len(found["image"]))
    index = np.full(len(found["image"]), -1, np.int64)
    for image in np.intersect1d(found["image"], truth["image"]):
        first, last = np.searchsorted(found["image"], [image, image + 1])
        begin, end = np.searchsorted(truth["image"], [image, image + 1])
        ious = pairwise_iou(found["boxes"][first:last], truth["boxes"][begin:end], offset)
        same = found["classes"][first:last, None] == truth["classes"][None, begin:end]
        ious[~same] = -1.0
        best = ious.argmax(axis=1)  # the first of equals, as in the devkit
        reached = ious[np.arange(last - first), best]
        overlap[first:last] = np.maximum(reached, 0.0)
        index[first:last] = np.where(reached >= 0.0, best + begin, -1)
    return overlap, index


def precision_recall(
    scores: np.ndarray, matched: np.ndarray, ignored: np.ndarray, positives: int
) -> tuple[np.ndarray, np.ndarray]:
    """The curve of one class.

    Args:
        scores: (m,) of the detections; equal ones keep their order.
        matched: (m,) int64, the true box that a detection overlaps enough, or -1.
        ignored: (m,) bool, the box is difficult: the detection is neither right nor wrong.
        positives: number of true boxes that are not difficult.

    Returns:
        (recall, precision), each (m,), by falling score.
    """
    order = np.argsort(-scores, kind="stable")
    matched, ignored = matched[order], ignored[order]
    # The first detection of a true box is right; every later one is a duplicate and wrong.
    first = np.zeros(len(order), bool)
    boxes, places = np.unique(matched, return_index=True)
    first[places[boxes >= 0]] = True
    right = np.cumsum(first & ~ignored)
    wrong = np.cumsum(~first & ~ignored)
    return right / positives, right / np.maximum(right + wrong, 1)


@metrics.register("voc_ap")
class VOCAveragePrecision(DetectionMetric):
    """Mean over classes of the average precision, as in the PASCAL VOC challenge.

    A detection is right if the true box of its class that it overlaps most has IoU >= `iou` and no
    detection of higher score took it. Difficult boxes (and crowds) are no positives, and swallow
    the detections that they match. A class without any other box is undefined: nan, and left out
    of the mean; a class that is there but never detected counts as 0.

    The devkit takes edges as inclusive whole pixels; our boxes are continuous with exclusive
    edges, so nothing is added to widths. For boxes with inclusive edges set `pixel_offset`.

    Everingham et al., "The PASCAL Visual Object Classes (VOC) Challenge", IJCV 2010.

    Args:
        classes: the names in index order, or their number.
        iou: smallest overlap of a right detection.
        convention: "area" (VOC 2010 and later) or "11point" (VOC 2007).
        pixel_offset: add one pixel to every width and height, as the devkit does.
        key: the name of the mean in `compute()`.
        class_key: the prefix of the classes' own numbers, `<class_key>/<class>`.
    """

    name = "voc_ap"

    def __init__(
        self,
        classes: Sequence[str] | int,
        iou: float = 0.5,
        convention: str = "area",
        pixel_offset: bool = False,
        key: str = "mAP",
        class_key: str = "AP",
    ) -> None:
        if convention not in CONVENTIONS:
            raise ConfigError(
                "Unknown convention of average precision",
                expected=" or ".join(CONVENTIONS),
                received=repr(convention),
            )
        if not 0.0 < iou <= 1.0:
            raise ConfigError("iou is no overlap", expected="0 < iou <= 1", received=iou)
        super().__init__(classes)
        self.iou = iou
        self.convention = convention
        self.pixel_offset = pixel_offset
        self.primary = key
        self.class_key = class_key

    def compute(self) -> dict[str, float]:
        found, truth = self.predicted(), self.true()
        skipped = truth["difficult"] | truth["crowd"]
        overlap, index = match(found, truth, float(self.pixel_offset))
        index[overlap < self.iou] = -1
        ignored = np.zeros(len(index), bool)
        ignored[index >= 0] = skipped[index[index >= 0]]
        values = np.full(len(self.classes), np.nan)
        for label in range(len(self.classes)):
            positives = int(np.count_nonzero((truth["classes"] == label) & ~skipped))
            if positives:
                mine = found["classes"] == label
                curve = precision_recall(
                    found["scores"][mine], index[mine], ignored[mine], positives
                )
                values[label] = average_precision(*curve, self.convention)
        numbers = {self.primary: mean_defined(values)}
        for name, value in zip(self.classes, values):
            numbers[f"{self.class_key}/{name}"] = float(value)
        return numbers
