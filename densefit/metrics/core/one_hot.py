"""Targets in one-hot rows, as other frameworks take them, read as class indices."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from densefit.errors import DataError
from densefit.metrics.core.arrays import first_row, labels_of, rows
from densefit.once import first_time

logger = logging.getLogger(__name__)


def is_one_hot(array: np.ndarray, axis: int = 1) -> bool:
    """Whether exactly one of two or more cells along `axis` is 1, and the others are 0.

    >>> is_one_hot(np.array([[0, 1, 0], [1, 0, 0]])), is_one_hot(np.array([[0, 2, 0]]))
    (True, False)
    """
    if array.ndim <= axis or array.shape[axis] < 2:
        return False
    ones = array == 1
    return bool(((array == 0) | ones).all() and (ones.sum(axis=axis) == 1).all())


def class_labels(scores: np.ndarray, targets: Any, ids: Sequence[str]) -> np.ndarray:
    """Class indices (n, ...) for scores (n, C, ...): given as such, or as one-hot rows (n, C, ...).

    Raises:
        DataError: they are neither.
    """
    truth = rows(targets, "targets", ids)
    if truth.shape != scores.shape or scores.shape[1] < 2:
        return labels_of(truth, scores.shape[:1] + scores.shape[2:], ids)
    if not is_one_hot(truth):
        wrong = (truth != 0) & (truth != 1)
        wrong |= np.expand_dims((truth == 1).sum(axis=1) != 1, 1)
        row = first_row(wrong)
        soft = "probabilities" if truth.dtype.kind == "f" else "one-hot rows"
        raise DataError(
            "The targets have a number for each class, and are not one-hot",
            expected=f"class indices of shape {scores.shape[:1] + scores.shape[2:]}, or a single 1 "
            "among zeros along axis 1",
            received=f"{truth[row].ravel()[:8].tolist()}",
            where=f"sample {ids[row]!r}",
            fix=f"are these {soft}? give the class: targets.argmax(axis=1)",
        )
    return truth.argmax(axis=1)


class OneHot:
    """Says whether targets of the predictions' shape are one-hot rows, or class indices as these.

    Scores that are not whole numbers, and targets that are not one-hot, leave no doubt. Otherwise
    the likelier reading is taken and told of; one that turns out wrong is an error.

    Args:
        setting: True or False if the user says so.
        metric: whose predictions and targets they are, for messages.
    """

    def __init__(self, setting: bool | None, metric: str) -> None:
        self._reading = setting
        self._guessed = False
        self._metric = metric

    def __call__(self, scores: np.ndarray, truth: np.ndarray, ids: Sequence[str]) -> bool:
        """Whether the rows of `truth`, of the shape of `scores`, are one-hot."""
        if scores.ndim < 2 or scores.shape[1] < 2:
            return False
        if self._reading is not None and not self._guessed:
            return self._reading
        one_hot = is_one_hot(truth)
        whole = scores.dtype.kind != "f" or bool((scores == np.floor(scores)).all())
        if self._guessed and not one_hot:
            raise DataError(
                f"The targets of {self._metric!r} looked like one-hot rows, and do no longer",
                expected="a single 1 among zeros in each row, as until now",
                received=truth[0].ravel()[:8].tolist(),
                where=f"samples {ids[0]!r} to {ids[-1]!r}",
                fix="one_hot=False for matrices of class indices, one_hot=True for one-hot rows",
            )
        if not one_hot:
            if whole:
                self._reading = False
            return False  # whoever reads scores as indices says what is wrong with them
        if not whole:
            self._reading, self._guessed = True, False
            return True
        if self._guessed:
            return True
        likely = is_one_hot(scores) or bool(((scores < 0) | (scores > 1)).any())
        if likely:
            self._reading = self._guessed = True
        if first_time("one-hot", self._metric, likely):
            logger.warning(
                "The targets of the metric %r look like one-hot rows, and the predictions are "
                "whole numbers of the same shape: both are read as %s. Say one_hot=True or "
                "one_hot=False",
                self._metric,
                "scores and one-hot classes" if likely else "matrices of class indices",
            )
        return likely
