"""How far a network's confidence is from how often it is right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from typing_extensions import Self

from densefit.errors import CheckpointError, ConfigError, DataError
from densefit.metrics.core.arrays import counted, rows
from densefit.metrics.core.detail import Curve, Curves, Detail
from densefit.metrics.core.metric import Metric, metrics
from densefit.metrics.core.one_hot import class_labels
from densefit.metrics.core.operating_point import ratio
from densefit.metrics.core.state import entry

# How far probabilities may be off; a thousand of them in float16 sum to 1 within about half of it.
TOLERANCE = 1e-3


def bin_of(confidence: np.ndarray, bins: int) -> np.ndarray:
    """The bin of each confidence, the shape given, int64.

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
    """The gap between accuracy and mean confidence of a bin: its mean and its largest.

    Args:
        counts: (bins,) predictions in each bin.
        confidence: (bins,) sums of their confidences.
        hits: (bins,) how many of them are right.

    Returns:
        (expected calibration error: the mean over predictions; maximum calibration error: the
        largest of any bin that is not empty); nan if all are empty.
    """
    total = counts.sum()
    if not total:
        return float("nan"), float("nan")
    gaps = np.abs(hits - confidence)
    return float(gaps.sum() / total), float(np.nanmax(ratio(gaps, counts)))


@metrics.register("calibration")
class CalibrationError(Metric):
    """Expected ("ECE") and maximum ("MCE") calibration error, mean "confidence" and "accuracy".

    Confidence is the highest probability of a prediction, and should be the chance that it is
    right. Predictions are sorted into bins of equal width by their confidence; the error of a bin
    is |accuracy - mean confidence|.

    Predictions are probabilities (n, C) or (n, C, H, W) with a sum of 1 over the classes; targets
    are class indices (n,) or (n, H, W), or one-hot rows. All samples, or pixels, of the dataset
    are pooled.

    Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.

    Args:
        bins: how many; see `bin_of` for the edges.
        ignore_label: targets with this label count nowhere.

    Attributes:
        counts, hits: (bins,) int64, predictions, and right ones.
        confidence: (bins,) float64, sums of confidences.
    """

    name = "calibration"
    primary = "ECE"
    higher_is_better = False
    opposite = ("accuracy", "confidence")
    additive = True

    def __init__(self, bins: int = 15, ignore_label: int | None = None) -> None:
        if bins < 1:
            raise ConfigError("Calibration needs bins", expected="1 or more", received=bins)
        self.bins = bins
        self.ignore_label = ignore_label
        self.reset()

    def reset(self) -> None:
        self.counts = np.zeros(self.bins, np.int64)
        self.hits = np.zeros(self.bins, np.int64)
        self.confidence = np.zeros(self.bins, np.float64)

    def update(
        self, predictions: Sequence[Any], targets: Sequence[Any], ids: Sequence[str]
    ) -> None:
        if not len(ids):
            return
        chances = rows(predictions, "predictions", ids)
        if chances.ndim < 2:
            raise DataError(
                "Calibration needs the probabilities of all classes",
                expected="predictions of shape (n, C)",
                received=f"shape {chances.shape}",
            )
        labels = class_labels(chances, targets, ids)
        mask = counted(labels, chances.shape[1], self.ignore_label, ids)
        _check_probabilities(chances, ids)
        right = chances.argmax(axis=1) == labels
        confidence = np.minimum(chances.max(axis=1).astype(np.float64), 1.0)
        if mask is not None:
            right, confidence = right[mask], confidence[mask]
        right, confidence = right.ravel(), confidence.ravel()
        place = bin_of(confidence, self.bins)
        self.counts += np.bincount(place, minlength=self.bins)
        self.hits += np.bincount(place[right], minlength=self.bins)
        self.confidence += np.bincount(place, confidence, minlength=self.bins)

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
        """Accuracy over confidence, a point for each bin that is not empty, as "reliability"."""
        some = self.counts > 0
        counts = self.counts[some]
        lines = {
            "measured": Curve(self.confidence[some] / counts, self.hits[some] / counts),
            "perfect": Curve(np.array([0.0, 1.0]), np.array([0.0, 1.0])),
        }
        return {"reliability": Curves("confidence", "accuracy", lines, "Reliability")}

    def merge(self, other: Self) -> None:
        self.counts += other.counts
        self.hits += other.hits
        self.confidence += other.confidence

    def state_dict(self) -> dict[str, Any]:
        return {
            "counts": self.counts.copy(),
            "hits": self.hits.copy(),
            "confidence": self.confidence.copy(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        counts = np.array(entry(state, "counts", self.name), np.int64)
        hits = np.array(entry(state, "hits", self.name), np.int64)
        confidence = np.array(entry(state, "confidence", self.name), np.float64)
        if not counts.shape == hits.shape == confidence.shape == (self.bins,):
            raise CheckpointError(
                "The stored calibration has other bins",
                expected=f"shape {(self.bins,)}",
                received=f"{counts.shape}, {hits.shape}, {confidence.shape}",
            )
        self.counts, self.hits, self.confidence = counts, hits, confidence


def _check_probabilities(chances: np.ndarray, ids: Sequence[str]) -> None:
    """Raise DataError unless axis 1 holds numbers of 0 to 1 whose sum is 1, within `TOLERANCE`."""
    low, high = chances.min(axis=1), chances.max(axis=1)
    sums = chances.sum(axis=1, dtype=np.float64)
    with np.errstate(invalid="ignore"):
        fine = (low >= -TOLERANCE) & (high <= 1 + TOLERANCE) & (np.abs(sums - 1) <= TOLERANCE)
    if not fine.all():  # nan is not fine either
        place = np.unravel_index(int(fine.argmin()), fine.shape)
        raise DataError(
            "Predictions are not probabilities",
            expected="numbers of 0 to 1 with a sum of 1 over the classes",
            received=f"{low[place]:g} to {high[place]:g}, with a sum of {sums[place]:g}",
            where=f"sample {ids[int(place[0])]!r}",
            fix="are these logits? apply softmax",
        )
