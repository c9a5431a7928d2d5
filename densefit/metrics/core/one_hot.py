"""Read one-hot targets, as other frameworks take them, as class indices."""

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
    """Whether a single cell of two or more along `axis` is 1, and all other cells are 0.

    >>> is_one_hot(np.array([[0, 1, 0], [1, 0, 0]])), is_one_hot(np.array([[0, 2, 0]]))
    (True, False)
    """
    if array.ndim <= axis or array.shape[axis] < 2:
        return False
    ones = array == 1
    return bool(((array == 0) | ones).all() and (ones.sum(axis=axis) == 1).all())


def class_labels(scores: np.ndarray, targets: Any, ids: Sequence[str]) -> np.ndarray:
    """Read targets for scores (n, C, ...): class indices (n, ...), or one-hot rows (n, C, ...).

    Raises:
        DataError: the targets are neither.
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
    """Decides whether targets with the shape of the predictions are one-hot rows or class indices.

    Scores that are not whole numbers, and targets that are not one-hot, are unambiguous. Otherwise
    the more likely reading is used and logged; a later contradiction is an error.

    Args:
        setting: True or False if the user states it.
        metric: name of the metric, for messages.
    """

    def __init__(self, setting: bool | None, metric: str) -> None:
        self._reading = setting
        self._guessed = False
        self._metric = metric

    def __call__(self, scores: np.ndarray, truth: np.ndarray, ids: Sequence[str]) -> bool:
        """Whether the rows of `truth`, with the shape of `scores`, are one-hot."""
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
            return False  # reading scores as indices reports what is wrong
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
