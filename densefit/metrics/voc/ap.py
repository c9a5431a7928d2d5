"""Average precision by the rules of the PASCAL VOC devkit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from densefit.errors import ConfigError
from densefit.metrics.core.classes import mean_defined
from densefit.metrics.core.detail import Curve, Curves, Detail
from densefit.metrics.core.metric import metrics
from densefit.metrics.core.operating_point import operating_point
from densefit.metrics.detection.detections import DetectionMetric, DetectionOutcomes
from densefit.metrics.detection.image_ranks import image_ranks
from densefit.metrics.voc.match import Verdicts, evaluate

CONVENTIONS = ("area", "11point")


def average_precision(recall: np.ndarray, precision: np.ndarray, convention: str = "area") -> float:
    """Average precision of a precision-recall curve.

    >>> average_precision(np.array([0.5, 0.5, 1.0]), np.array([1.0, 0.5, 2 / 3]))
    0.8333333333333333

    Args:
        recall: (m,) ascending, over detections of descending score.
        precision: (m,).
        convention: "area": the area under the curve, made monotonically decreasing (VOC 2010 and
            later); "11point": the mean of the best precision at recall 0, 0.1, ... 1 (VOC 2007).
    """
    if convention == "11point":
        # Thresholds are multiples of 0.1 in double, including 0.30000000000000004, as in the
        # published implementations.
        best = [precision[recall >= step * 0.1].max(initial=0.0) for step in range(11)]
        return float(sum(best) / 11)
    recall = np.concatenate([[0.0], recall, [1.0]])
    precision = np.concatenate([[0.0], precision, [0.0]])
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    steps = np.flatnonzero(recall[1:] != recall[:-1])
    return float(np.sum((recall[steps + 1] - recall[steps]) * envelope[steps + 1]))


def precision_recall(
    right: np.ndarray, wrong: np.ndarray, positives: int
) -> tuple[np.ndarray, np.ndarray]:
    """Precision-recall curve of one class.

    Args:
        right: (m,) true positives of each row, by descending score (0 or 1, or more where an image
            counts several times).
        wrong: (m,) false positives of each row.
        positives: number of true boxes.

    Returns:
        (recall, precision), each (m,) float64; precision 0 before the first detection that counts.
    """
    hits = np.cumsum(right, dtype=np.int64)
    total = hits + np.cumsum(wrong, dtype=np.int64)
    return hits / positives, hits / np.maximum(total, 1)


@metrics.register("voc_ap")
class VOCAveragePrecision(DetectionMetric):
    """Mean over classes of the average precision, as in the PASCAL VOC challenge.

    A detection is a true positive if the true box of its class that it overlaps most has
    IoU >= `iou` and is not taken by a detection of higher score. Difficult boxes (and crowds) are
    no positives, and the detections that match them do not count. A class without other boxes is
    undefined: nan, and left out of the mean; a class with boxes but no detection counts as 0.

    The devkit takes edges as inclusive whole pixels; our boxes are continuous with exclusive
    edges, so nothing is added to widths. For boxes with inclusive edges set `pixel_offset`.

    Everingham et al., "The PASCAL Visual Object Classes (VOC) Challenge", IJCV 2010.

    Args:
        classes: names in index order, or their number.
        iou: smallest overlap of a true positive.
        convention: "area" (VOC 2010 and later) or "11point" (VOC 2007).
        pixel_offset: add one pixel to every width and height, as the devkit does.
        key: the name of the mean in `compute()`.
        class_key: prefix of the numbers of classes, `<class_key>/<class>`.
        score_threshold: if given, `compute()` also has precision, recall and F1 of the detections
            with this score or more: over all classes, and "precision/<class>"... (see
            `operating_point`). The average precision still counts all detections.
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
        score_threshold: float | None = None,
    ) -> None:
        if convention not in CONVENTIONS:
            raise ConfigError(
                "Unknown convention of average precision",
                expected=" or ".join(CONVENTIONS),
                received=repr(convention),
            )
        if not 0.0 < iou <= 1.0:
            raise ConfigError("iou is no overlap", expected="0 < iou <= 1", received=iou)
        if score_threshold is not None and not math.isfinite(score_threshold):
            raise ConfigError(
                "score_threshold is not a number", expected="finite", received=score_threshold
            )
        super().__init__(classes)
        self.iou = iou
        self.convention = convention
        self.pixel_offset = pixel_offset
        self.primary = key
        self.class_key = class_key
        self.score_threshold = score_threshold
        self._verdicts: Verdicts | None = None

    def compute(self) -> dict[str, float]:
        return self._numbers(None)

    def resampled(self, counts: Mapping[str, int]) -> dict[str, float]:
        """Compute as if the image `id` had been seen `counts[id]` times.

        Boxes are matched once for all resamples. Equal scores stay in the order of the images, all
        copies of a detection together.
        """
        weights = np.empty(len(self.ids), np.int64)
        weights[image_ranks(self.ids)] = [counts.get(key, 0) for key in self.ids]
        return self._numbers(weights)

    def _numbers(self, weights: np.ndarray | None) -> dict[str, float]:
        """Compute with a weight for each image (by rank); None: each counts once."""
        verdicts = self._evaluate()
        right, wrong = verdicts.right, verdicts.wrong
        if weights is not None:
            right, wrong = right * weights[verdicts.image], wrong * weights[verdicts.image]
        positives = self._positives(verdicts, weights)
        values = np.full(len(self.classes), np.nan)
        for label in np.flatnonzero(positives):
            rows = slice(verdicts.bounds[label], verdicts.bounds[label + 1])
            curve = precision_recall(right[rows], wrong[rows], positives[label])
            values[label] = average_precision(*curve, self.convention)
        numbers = {self.primary: mean_defined(values)}
        for name, value in zip(self.classes, values):
            numbers[f"{self.class_key}/{name}"] = float(value)
        if self.score_threshold is not None:
            chosen = verdicts.scores >= self.score_threshold
            hits, misses = (_per_class(part * chosen, verdicts.bounds) for part in (right, wrong))
            numbers.update(operating_point(hits, misses, positives, self.classes))
        return numbers

    def outcomes(self) -> DetectionOutcomes:
        """True and false positives at the metric's IoU."""
        verdicts = self._evaluate()
        classes = np.repeat(np.arange(len(self.classes)), np.diff(verdicts.bounds))
        return DetectionOutcomes(verdicts.scores, classes, verdicts.right, verdicts.wrong)

    def details(self) -> dict[str, Detail]:
        """Measured curve of each class that has positives, as "precision_recall".

        One point for each distinct score; detections of equal scores count together. The envelope
        of the average precision is not applied.
        """
        verdicts = self._evaluate()
        positives = self._positives(verdicts, None)
        lines = {}
        for label in np.flatnonzero(positives):
            rows = slice(verdicts.bounds[label], verdicts.bounds[label + 1])
            scores, right, wrong = verdicts.scores[rows], verdicts.right[rows], verdicts.wrong[rows]
            recall, precision = precision_recall(right, wrong, positives[label])
            points = np.append(scores[1:] != scores[:-1], True)[: len(scores)]
            points &= np.cumsum(right | wrong) > 0  # before, precision is undefined
            lines[self.classes[label]] = Curve(recall[points], precision[points], scores[points])
        title = f"Precision and recall at IoU {self.iou:g}"
        return {"precision_recall": Curves("recall", "precision", lines, title)}

    def _positives(self, verdicts: Verdicts, weights: np.ndarray | None) -> np.ndarray:
        """Number of true boxes that count, (K,) int64."""
        positives = np.zeros(len(self.classes), np.int64)
        np.add.at(
            positives, verdicts.true_class, 1 if weights is None else weights[verdicts.true_image]
        )
        return positives

    def _evaluate(self) -> Verdicts:
        """Match all detections once, until more are added."""
        if self._verdicts is None:
            self._verdicts = evaluate(
                self.predicted(), self.true(), len(self.classes), self.iou, float(self.pixel_offset)
            )
        return self._verdicts

    def _changed(self) -> None:
        self._verdicts = None


def _per_class(values: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Sum the rows of each class, (K,) int64."""
    before = np.concatenate([[0], np.cumsum(values, dtype=np.int64)])
    return before[bounds[1:]] - before[bounds[:-1]]
