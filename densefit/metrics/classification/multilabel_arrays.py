"""Read the arguments of multi-label metrics: a score and a label for each sample and class."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from densefit.errors import ConfigError, DataError
from densefit.metrics.core.arrays import first_row, integers, rows
from densefit.once import first_time

logger = logging.getLogger(__name__)


class Coding:
    """Coding of positive, negative and unknown labels, which also checks that negatives occur.

    Args:
        negative: label of negatives.
        ignore: label of unknown pairs; None if all labels must be known.
        metric: name of the metric, for messages.

    Raises:
        ConfigError: a label has two meanings.
    """

    def __init__(self, negative: int, ignore: int | None, metric: str) -> None:
        if len({negative, ignore, 1}) < 3:
            what = "ignore_label is a label that counts"
            raise ConfigError(
                "negative_label is the label of what is there" if negative == 1 else what,
                expected=f"none of {negative} (no) and 1 (yes)",
                received=f"ignore_label={ignore}, negative_label={negative}",
            )
        self.negative, self.ignore = negative, ignore
        self._metric = metric
        self.reset()

    def reset(self) -> None:
        """Forget all labels."""
        self._samples = 0
        self._unknown = self._negative = False

    def saw(self, labels: np.ndarray) -> None:
        """Record labels (n, C): 1, 0, or -1 where unknown."""
        self._samples += len(labels)
        self._unknown = self._unknown or bool((labels < 0).any())
        self._negative = self._negative or bool((labels == 0).any())

    def tell(self) -> None:
        """Warn once if no label is negative: any prediction is then perfect."""
        lacking = self._samples > 1 and self._unknown and not self._negative
        if lacking and first_time("no negative label", self._metric):
            logger.warning(
                "No label of the %d samples of the metric %r says no (%s): all are yes or unknown "
                "(%s), and nothing that is predicted can be wrong. If %s says no, set "
                "negative_label=%s of the metric and ignore_label to another label, or to None; "
                "where the metric is a head's, write 0 for what says no in the dataset",
                self._samples,
                self._metric,
                self.negative,
                self.ignore,
                self.ignore,
                self.ignore,
            )


def scores_and_labels(
    predictions: Any, targets: Any, ids: Sequence[str], classes: int, coding: Coding
) -> tuple[np.ndarray, np.ndarray]:
    """Check predictions and targets.

    Args:
        predictions: n rows of C scores.
        targets: n rows of C labels.
        ids: the n sample ids.
        classes: C.
        coding: label values and their meaning.

    Returns:
        (scores (n, C) in their floating type, float64 if they were integers; labels (n, C) int8:
        1, 0, or -1 where unknown).

    Raises:
        DataError: a shape is wrong, a score is nan, or a label is unknown to the coding.
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
    yes, no = labels == 1, labels == coding.negative
    unknown = np.zeros(expected, bool) if coding.ignore is None else labels == coding.ignore
    wrong = ~(yes | no | unknown)
    if wrong.any():
        ignored = "" if coding.ignore is None else f", or {coding.ignore} (unknown)"
        received = int(labels[wrong][0])
        raise DataError(
            "A label is neither yes nor no",
            expected=f"1 (yes) or {coding.negative} (no){ignored}",
            received=received,
            where=f"sample {ids[first_row(wrong)]!r}",
            fix=f"set ignore_label={received} if it is unknown, negative_label={received} if it "
            "says no, or correct the annotation",
        )
    return scores, np.where(unknown, -1, yes).astype(np.int8)
