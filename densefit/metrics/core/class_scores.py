"""Read the predictions and targets of classification metrics: scores of classes, or indices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from densefit.errors import DataError
from densefit.metrics.core.arrays import counted, integers, labels_of, rows
from densefit.metrics.core.one_hot import OneHot, class_labels


def class_scores(
    predictions: Any,
    targets: Any,
    ids: Sequence[str],
    ignore_label: int | None,
    needs: str,
) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
    """Check scores of all classes and their true classes.

    Args:
        predictions: n rows of scores, (n, C, ...).
        targets: class indices (n, ...), or one-hot rows (n, C, ...).
        ids: the n sample ids.
        ignore_label: targets with this label count nowhere; None if there is none.
        needs: what the metric needs, for errors: "top5 needs the scores".

    Returns:
        (scores (n, C, ...), labels (n, ...), a bool mask of the labels that count, or None if all
        do).

    Raises:
        DataError: there are no scores of classes, shapes differ, or a label is no class index.
    """
    scores = rows(predictions, "predictions", ids)
    if scores.ndim < 2:
        raise DataError(
            f"{needs} of all classes",
            expected="predictions of shape (n, C)",
            received=f"shape {scores.shape}",
        )
    labels = class_labels(scores, targets, ids)
    return scores, labels, counted(labels, scores.shape[1], ignore_label, ids)


def scores_or_indices(
    predictions: Any,
    targets: Any,
    ids: Sequence[str],
    one_hot: OneHot,
    classes: int | None = None,
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Check predictions that may be scores of classes or class indices, and their true classes.

    Args:
        predictions: n rows of scores, (n, C, ...), or of class indices, (n, ...).
        targets: class indices (n, ...), or one-hot rows (n, C, ...).
        ids: the n sample ids.
        one_hot: distinguishes one-hot targets from class indices of the predictions' shape.
        classes: C, if it is known: rows of another length are no scores.

    Returns:
        (scores or integer class indices, labels (n, ...), whether the first are scores).

    Raises:
        DataError: shapes differ, or a value is not a whole number where indices are.
    """
    values = rows(predictions, "predictions", ids)
    truth = rows(targets, "targets", ids)
    if values.ndim > 1:
        may_be_scores = classes is None or values.shape[1] == classes
        if values.shape != truth.shape or (may_be_scores and one_hot(values, truth, ids)):
            return values, class_labels(values, truth, ids), True
    labels = labels_of(truth, values.shape, ids)
    return integers(values, "predictions", ids), labels, False
