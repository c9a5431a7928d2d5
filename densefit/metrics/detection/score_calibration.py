"""Calibration of detections: the gap between scores and the share of right detections."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from densefit.errors import ConfigError
from densefit.metrics.classification.calibration import bin_of, calibration_errors


@dataclass(frozen=True)
class ScoreCalibration:
    """Detections by score, in bins of equal width.

    Attributes:
        counts: (bins,) int64, detections.
        scores: (bins,) float64, sums of their scores.
        right: (bins,) int64, true positives among them.
        ECE, MCE: expected and maximum calibration error; nan without detections.
    """

    counts: np.ndarray
    scores: np.ndarray
    right: np.ndarray
    ECE: float  # noqa: N815  # the names that papers have
    MCE: float  # noqa: N815


def score_calibration(scores: np.ndarray, is_right: np.ndarray, bins: int = 15) -> ScoreCalibration:
    """Compare scores with the share of true positives.

    The expected calibration error of detections without their positions, as in Küppers et al.,
    "Multivariate Confidence Calibration for Object Detection", CVPR Workshops 2020.

    >>> score_calibration(np.array([0.9, 0.9]), np.array([True, False]), bins=10).ECE
    0.4

    Args:
        scores: (m,) scores of the detections, 0 to 1.
        is_right: (m,) bool, true positives.
        bins: number of bins; see `bin_of` for the edges.

    Raises:
        ConfigError: there is no bin.
    """
    if bins < 1:
        raise ConfigError("Calibration needs bins", expected="1 or more", received=bins)
    confidence = np.clip(np.asarray(scores, np.float64), 0.0, 1.0)
    rows = bin_of(confidence, bins)
    counts = np.bincount(rows, minlength=bins)
    sums = np.bincount(rows, confidence, minlength=bins)
    right = np.bincount(rows[is_right], minlength=bins)
    return ScoreCalibration(counts, sums, right, *calibration_errors(counts, sums, right))
