"""Calibration error: the gap between a network's confidence and its accuracy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from densefit.errors import ConfigError, DataError
from densefit.metrics.core.additive import AdditiveMetric
from densefit.metrics.core.class_scores import class_scores
from densefit.metrics.core.detail import Curve, Curves, Detail
from densefit.metrics.core.metric import metrics
from densefit.metrics.core.operating_point import ratio

# Tolerance of probabilities; a thousand of them in float16 sum to 1 within about half of it.
TOLERANCE = 1e-3


def bin_of(confidence: np.ndarray, bins: int) -> np.ndarray:
    """Index the bin of each confidence, int64 of the same shape.

    Bin b is (b / bins, (b + 1) / bins]: the lower edge belongs to the bin below, as in Guo et al.
    and scikit-learn's `calibration_curve`; exactly 0 is in the first. (torchmetrics takes
    [lower, upper).) Edges are np.linspace(0, 1, bins + 1), compared with confidences as doubles.

    >>> bin_of(np.array([0.0, 0.25, 0.26, 1.0]), bins=4)
    array([0, 0, 1, 3])
    """
    edges = np.linspace(0.0, 1.0, bins + 1)[1:-1]
    return np.searchsorted(edges, np.asarray(confidence, np.float64), side="left")


def calibration_errors(
    counts: np.ndarray, confidence: np.ndarray, hits: np.ndarray
) -> tuple[float, float]:
    """Compute the expected and the maximum calibration error.

    Args:
        counts: (bins,) predictions in each bin.
        confidence: (bins,) sums of their confidences.
        hits: (bins,) correct predictions in each bin.

    Returns:
        (mean over predictions, maximum over non-empty bins) of the gap between a bin's accuracy
        and its mean confidence; nan without predictions.
    """
    total = counts.sum()
    if not total:
        return float("nan"), float("nan")
    gaps = np.abs(hits - confidence)
    return float(gaps.sum() / total), float(np.nanmax(ratio(gaps, counts)))


@metrics.register("calibration")
class CalibrationError(AdditiveMetric):
    """Expected ("ECE") and maximum ("MCE") calibration error, mean "confidence" and "accuracy".

    Confidence is the highest probability of a prediction; of a calibrated network it is the chance
    of a correct prediction. Predictions fall into bins of equal width by their confidence; the
    error of a bin is `|accuracy - mean confidence|`.

    Predictions are probabilities (n, C) or (n, C, H, W) with a sum of 1 over the classes; targets
    are class indices (n,) or (n, H, W), or one-hot rows. All samples, or pixels, of the dataset
    are pooled.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.

    Args:
        bins: number of bins; see `bin_of` for the edges.
        ignore_label: targets with this label count nowhere.

    Attributes:
        counts, hits: (bins,) int64, predictions and correct predictions.
        confidence: (bins,) float64, sums of confidences.
    """

    name = "calibration"
    primary = "ECE"
    higher_is_better = False
    opposite = ("accuracy", "confidence")
    counts: np.ndarray
    hits: np.ndarray
    confidence: np.ndarray

    def __init__(self, bins: int = 15, ignore_label: int | None = None) -> None:
        if bins < 1:
            raise ConfigError("Calibration needs bins", expected="1 or more", received=bins)
        self.bins = bins
        self.ignore_label = ignore_label
        super().__init__(
            {"counts": ((bins,), int), "hits": ((bins,), int), "confidence": ((bins,), float)}
        )

    def update(
        self, predictions: Sequence[Any], targets: Sequence[Any], ids: Sequence[str]
    ) -> None:
        if not len(ids):
            return
        chances, labels, mask = class_scores(
            predictions, targets, ids, self.ignore_label, "Calibration needs the probabilities"
        )
        _check_probabilities(chances, ids)
        correct = chances.argmax(axis=1) == labels
        confidence = np.minimum(chances.max(axis=1).astype(np.float64), 1.0)
        if mask is not None:
            correct, confidence = correct[mask], confidence[mask]
        correct, confidence = correct.ravel(), confidence.ravel()
        bins = bin_of(confidence, self.bins)
        self.counts += np.bincount(bins, minlength=self.bins)
        self.hits += np.bincount(bins[correct], minlength=self.bins)
        self.confidence += np.bincount(bins, confidence, minlength=self.bins)

    def compute(self) -> dict[str, float]:
        expected, largest = calibration_errors(self.counts, self.confidence, self.hits)
        total = self.counts.sum()
        return {
            "ECE": expected,
            "MCE": largest,
            "confidence": float(ratio(self.confidence.sum(), total)),
            "accuracy": float(ratio(self.hits.sum(), total)),
        }

    def details(self) -> dict[str, Detail]:
        """Accuracy over confidence as "reliability", a point for each non-empty bin."""
        filled = self.counts > 0
        counts = self.counts[filled]
        lines = {
            "measured": Curve(self.confidence[filled] / counts, self.hits[filled] / counts),
            "perfect": Curve(np.array([0.0, 1.0]), np.array([0.0, 1.0])),
        }
        return {"reliability": Curves("confidence", "accuracy", lines, "Reliability")}


def _check_probabilities(chances: np.ndarray, ids: Sequence[str]) -> None:
    """Raise DataError unless axis 1 has values from 0 to 1 with a sum of 1, within `TOLERANCE`."""
    low, high = chances.min(axis=1), chances.max(axis=1)
    sums = chances.sum(axis=1, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        valid = (low >= -TOLERANCE) & (high <= 1 + TOLERANCE) & (np.abs(sums - 1) <= TOLERANCE)
    if not valid.all():  # nan is not valid either
        index = np.unravel_index(int(valid.argmin()), valid.shape)
        raise DataError(
            "Predictions are not probabilities",
            expected="numbers of 0 to 1 with a sum of 1 over the classes",
            received=f"{low[index]:g} to {high[index]:g}, with a sum of {sums[index]:g}",
            where=f"sample {ids[int(index[0])]!r}",
            fix="are these logits? apply softmax",
        )
