"""Confusion matrix of detections with background, and the sizes of missed objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from densefit.metrics.core.detail import Matrix
from densefit.metrics.detection.pairing import UNMATCHED, Pairing

BACKGROUND = "background"
#: Bounds of a histogram of sizes: square roots of areas, in pixels.
EDGES = (0, 8, 16, 32, 64, 96, 128, 256, 512)


def confusion(
    pairing: Pairing, predicted: np.ndarray, true: np.ndarray, names: Sequence[str]
) -> Matrix:
    """Count pairs of true and predicted class; the last row and column is background.

    A missed object is in the last column, a detection without a true box in the last row. Equal to
    `supervision.ConfusionMatrix` with the same thresholds, where no box is crowd or difficult.

    Args:
        pairing: matches of the dataset.
        predicted: (m,) classes of the detections.
        true: (n,) classes of the true boxes.
        names: names of the K classes.

    Returns:
        (K + 1, K + 1) counts.
    """
    background = len(names)
    counts = np.zeros((background + 1, background + 1), np.int64)
    matched = np.flatnonzero(pairing.of_truth >= 0)
    np.add.at(counts, (true[matched], predicted[pairing.of_truth[matched]]), 1)
    np.add.at(counts, (true[pairing.of_truth == UNMATCHED], background), 1)
    np.add.at(counts, (background, predicted[pairing.of_detection == UNMATCHED]), 1)
    return Matrix([*names, BACKGROUND], counts, "boxes")


def sizes_by_outcome(
    pairing: Pairing,
    predicted: np.ndarray,
    truth: Mapping[str, np.ndarray],
    edges: Sequence[float] = EDGES,
) -> dict[str, np.ndarray]:
    """Histograms of the sizes of true objects: right class, another class, missed.

    Args:
        pairing: matches of the dataset.
        predicted: (m,) classes of the detections.
        truth: "classes" (n,) and "area" (n,) in square pixels.
        edges: bounds of the square root of the area; the last bin is open.

    Returns:
        "right", "wrong class", "missed": (len(edges),) int64 each.
    """
    matched = pairing.of_truth >= 0
    is_right = matched.copy()
    is_right[matched] = predicted[pairing.of_truth[matched]] == truth["classes"][matched]
    masks = {
        "right": is_right,
        "wrong class": matched & ~is_right,
        "missed": pairing.of_truth == UNMATCHED,
    }
    sides = np.sqrt(np.maximum(truth["area"], 0.0))
    bounds = [*edges, np.inf]
    return {
        name: np.histogram(sides[mask], bounds)[0].astype(np.int64) for name, mask in masks.items()
    }
