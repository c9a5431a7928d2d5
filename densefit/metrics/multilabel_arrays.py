"""What the multi-label metrics are given: a score and a yes or no for each sample and class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from densefit.errors import ConfigError, DataError
from densefit.metrics.arrays import first_row, integers, rows


def check_ignore_label(ignore_label: int | None) -> None:
    """Raise ConfigError if the label for "unknown" is one of the labels."""
    if ignore_label in (0, 1):
        raise ConfigError(
            "ignore_label is a label that counts",
            expected="none of 0 (no) and 1 (yes)",
            received=ignore_label,
        )


def scores_and_labels(
    predictions: Any,
    targets: Any,
    ids: Sequence[str],
    classes: int,
    ignore_label: int | None,
) -> tuple[np.ndarray, np.ndarray]:
    """Checked predictions and targets.

    Args:
        predictions: n rows of C scores.
        targets: n rows of C labels: 0 (no), 1 (yes) or `ignore_label`.
        ids: the n sample ids.
        classes: C.
        ignore_label: None if everything is known.

    Returns:
        (scores (n, C) in their floating type, float64 if they were integers; labels (n, C) int8,
        -1 where unknown).

    Raises:
        DataError: a shape is wrong, a score is nan, or a label is none of these.
    """
    scores = rows(predictions, "predictions", ids)
    labels = rows(targets, "targets", ids)
    expected = (len(ids), classes)
    for what, array in (("predictions", scores), ("targets", labels)):
        if array.shape != expected:
            raise DataError(
                f"The {what} are not one number for each sample and class",
                expected=f"shape {expected}: {classes} classes",
                received=f"shape {array.shape}",
                fix="for one label a sample (class indices) there are other metrics",
            )
    if scores.dtype.kind != "f":
        scores = scores.astype(np.float64)
    bad = np.isnan(scores)
    if bad.any():
        raise DataError(
            "A score is nan",
            expected="a number for each class",
            received=f"nan for class {int(bad[first_row(bad)].argmax())}",
            where=f"sample {ids[first_row(bad)]!r}",
        )
    labels = integers(labels, "targets", ids)
    unknown = np.zeros(expected, bool) if ignore_label is None else labels == ignore_label
    wrong = (labels != 0) & (labels != 1) & ~unknown
    if wrong.any():
        ignored = "" if ignore_label is None else f", or {ignore_label} (unknown)"
        raise DataError(
            "A label is neither yes nor no",
            expected=f"0 or 1{ignored}",
            received=int(labels[wrong][0]),
            where=f"sample {ids[first_row(wrong)]!r}",
            fix="set ignore_label, or correct the annotation",
        )
    return scores, np.where(unknown, -1, labels).astype(np.int8)
