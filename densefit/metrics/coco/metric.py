"""Base of the COCO metrics of boxes, masks and keypoints."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.errors import ConfigError
from densefit.metrics.coco.accumulate import Accumulated, accumulate
from densefit.metrics.coco.backends import OWN, check_backend, evaluate
from densefit.metrics.coco.curves import counts_from, precision_recall, right_and_wrong
from densefit.metrics.coco.match import Dense, Matches, Overlap, match
from densefit.metrics.core.classes import mean_defined
from densefit.metrics.core.detail import Detail
from densefit.metrics.core.operating_point import operating_point
from densefit.metrics.detection.detections import (
    DetectionMetric,
    DetectionOutcomes,
    Kinds,
)
from densefit.metrics.detection.image_ranks import image_ranks
from densefit.metrics.detection.object_columns import Columns

# Area ranges in square pixels, by the letter after AP and AR; "" is for all.
AREAS = {"": (0.0, 1e10), "s": (0.0, 32.0**2), "m": (32.0**2, 96.0**2), "l": (96.0**2, 1e10)}

# Indices of the IoU thresholds 0.50 and 0.75 among 0.50, 0.55 ... 0.95.
AT_50, AT_75 = 0, 5


class COCOMetric(DetectionMetric):
    """Base of the metrics of the COCO evaluation; a subclass says how its objects overlap.

    Objects are matched once, until more are added.

    Args:
        classes: names in index order, or their number.
        max_detections: number of highest-scoring detections of an image and class to evaluate.
        backend: one of `BACKENDS`.
        score_threshold: score threshold of the operating point; None: no operating point.
        predicted, true: columns of the objects' shapes, see `DetectionMetric`.

    Attributes:
        kind: COCO's name of the evaluation.
        ranges: reported keys of `AREAS`; "" (all areas) comes first.

    Raises:
        ConfigError: there is no class, no detection to look at, or no such backend.
    """

    primary = "AP"
    kind: str
    ranges = tuple(AREAS)

    def __init__(
        self,
        classes: Sequence[str] | int,
        max_detections: int,
        backend: str,
        score_threshold: float | None,
        predicted: Kinds,
        true: Kinds,
    ) -> None:
        if max_detections < 1:
            raise ConfigError(
                "max_detections is not a number of detections",
                expected="1 or more",
                received=max_detections,
            )
        if score_threshold is not None and not np.isfinite(score_threshold):
            raise ConfigError(
                "score_threshold is not a number", expected="finite", received=score_threshold
            )
        super().__init__(classes, predicted, true)
        self.max_detections = max_detections
        self.backend = check_backend(backend)
        self.score_threshold = score_threshold
        self._matches: Matches | None = None

    def settings(self) -> dict[str, Any]:
        """Settings without the backend, as all backends give the same numbers."""
        return {key: value for key, value in super().settings().items() if key != "backend"}

    @abstractmethod
    def _overlap(self, detections: Columns, truth: Columns) -> Overlap:
        """Make the function that computes overlaps of rows of `detections` and `truth`."""

    def _dense(self, detections: Columns, truth: Columns) -> Dense | None:
        """Make the function that computes overlaps of all pairs, where that is faster."""
        return None

    @abstractmethod
    def _annotated(self, columns: Columns) -> list[dict[str, Any]]:
        """Shape entries of the objects' COCO annotations: "bbox", "segmentation" or "keypoints"."""

    def _sigmas(self) -> np.ndarray | None:
        """Sigmas of keypoints (K,), for the backends."""
        return None

    def _predicted_areas(self, detections: Columns) -> np.ndarray:
        """Areas of detections, (m,) float64."""
        return detections["area"]

    def _ignored(self, truth: Columns) -> np.ndarray:
        """Mask the true objects that do not count, (n,) bool."""
        return truth["crowd"]

    def limits(self) -> list[int]:
        """Numbers of highest-scoring detections for which recall is reported, ascending."""
        return [*(limit for limit in (1, 10) if limit < self.max_detections), self.max_detections]

    def matches(self) -> Matches:
        """Match every detection; do not change the arrays."""
        if self._matches is None:
            detections, truth = self.predicted(), self.true()
            self._matches = match(
                {**detections, "area": self._predicted_areas(detections)},
                {**truth, "ignored": self._ignored(truth)},
                len(self.classes),
                self.max_detections,
                np.array([AREAS[name] for name in self.ranges]),
                self._overlap(detections, truth),
                dense=self._dense(detections, truth),
            )
        return self._matches

    def _changed(self) -> None:
        self._matches = None

    def compute(self) -> dict[str, float]:
        return self._scores(None)

    def resampled(self, counts: Mapping[str, int]) -> dict[str, float]:
        """Compute as if the image `id` had been seen `counts[id]` times (0 if it is missing).

        Nothing is matched again, and no backend is used. For equal scores see `accumulate`.
        """
        weights = np.empty(len(self.ids), np.int64)
        weights[image_ranks(self.ids)] = [counts.get(key, 0) for key in self.ids]
        return self._scores(weights)

    def outcomes(self) -> DetectionOutcomes:
        """True and false positives at an overlap of 0.5."""
        matches = self.matches()
        classes = np.repeat(np.arange(len(self.classes)), np.diff(matches.starts))
        return DetectionOutcomes(matches.scores, classes, *right_and_wrong(matches))

    def details(self) -> dict[str, Detail]:
        """Precision-recall curve of each class at an overlap of 0.5."""
        overlap = "OKS" if self.kind == "keypoints" else "IoU"
        title = f"Precision and recall at {overlap} 0.5"
        return {"precision_recall": precision_recall(self.matches(), self.classes, title)}

    def accumulated(self, weights: np.ndarray | None = None) -> Accumulated:
        """Precision and recall by area range, IoU threshold and class.

        Args:
            weights: (images,) int64, number of times that each image counts, by order of ids.
        """
        if self.backend == OWN or weights is not None:  # the packages have no weights
            return accumulate(self.matches(), self.limits(), weights)
        detections, truth = self.predicted(), self.true()
        if not len(truth["image"]):  # not every package accepts none
            return accumulate(self.matches(), self.limits())
        return evaluate(
            self.backend,
            self.kind,
            (
                {**detections, "area": self._predicted_areas(detections)},
                self._annotated(detections),
            ),
            (truth, self._annotated(truth)),
            len(self.ids),
            len(self.classes),
            self.limits(),
            self._sigmas(),
        )

    def _scores(self, weights: np.ndarray | None) -> dict[str, float]:
        result = self.accumulated(weights)
        numbers = {**self._precisions(result), **self._recalls(result), **self._by_class(result)}
        if self.score_threshold is not None:
            counts = counts_from(self.matches(), self.score_threshold, weights)
            numbers.update(operating_point(*counts, self.classes))
        return numbers

    def _precisions(self, result: Accumulated) -> dict[str, float]:
        numbers = {
            "AP": mean_defined(result.precision[0]),
            "AP50": mean_defined(result.precision[0, AT_50]),
            "AP75": mean_defined(result.precision[0, AT_75]),
        }
        for area, name in enumerate(self.ranges[1:], start=1):
            numbers[f"AP{name}"] = mean_defined(result.precision[area])
        return numbers

    def _recalls(self, result: Accumulated) -> dict[str, float]:
        numbers = {
            f"AR{limit}": mean_defined(result.recall[0, index])
            for index, limit in enumerate(self.limits())
        }
        for area, name in enumerate(self.ranges[1:], start=1):
            numbers[f"AR{name}"] = mean_defined(result.recall[area, -1])
        return numbers

    def _by_class(self, result: Accumulated) -> dict[str, float]:
        values = np.full((2, len(self.classes)), np.nan)
        values[0, result.labels] = result.precision[0].mean(axis=(0, 2))
        values[1, result.labels] = result.precision[0, AT_50].mean(axis=1)
        return {
            f"{key}/{name}": value
            for key, row in zip(("AP", "AP50"), values.tolist())
            for name, value in zip(self.classes, row)
        }
