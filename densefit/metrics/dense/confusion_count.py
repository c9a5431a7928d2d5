"""Count the pixels of each pair of classes: exact, and fast on uint8 masks."""

from __future__ import annotations

import numpy as np

from densefit.errors import DataError
from densefit.metrics.core.arrays import index_fix, integers
from densefit.metrics.core.classes import VOID, check_void
from densefit.metrics.core.one_hot import is_one_hot
from densefit.metrics.dense.byte_histogram import count_bytes


def confusion_matrix(
    prediction: np.ndarray,
    target: np.ndarray,
    classes: int,
    ignore_label: int | None = 255,
    where: str | None = None,
) -> np.ndarray:
    """Count the pixels of each pair (true class, predicted class).

    Equal to `sklearn.metrics.confusion_matrix(labels=range(classes))` without ignored pixels.

    >>> confusion_matrix(np.array([[0, 1, 1]]), np.array([[0, 0, 255]]), classes=2)
    array([[1, 1],
           [0, 0]])

    Args:
        prediction: class indices of any shape; integers, bool, or floats with whole values. uint8
            is the fastest.
        target: class indices of the same shape; pixels with `ignore_label` are skipped.
        classes: K, the number of classes.
        ignore_label: None if every label must be a class.
        where: the sample's id, for errors.

    Returns:
        (K, K) int64: row = truth, column = prediction.

    Raises:
        DataError: the shapes differ, a value is no whole number, or a label or a prediction that
            counts is not in 0 .. K-1. (A prediction beyond K has no column; dropping it would raise
            the IoU of its true class.)
    """
    check_void(ignore_label, classes)
    prediction, target = class_maps(prediction, target, where)
    if target.ndim == 3:
        _check_indices(prediction, target, classes, where)
    if classes <= VOID and target.size > 4096 + classes**2 // 3:  # less is not worth the tables
        table = count_bytes(prediction, target, classes, ignore_label)
        if table is not None:
            return table
    if ignore_label is not None:
        valid = target != ignore_label
        prediction, target = prediction[valid], target[valid]
    check_classes(prediction, target, classes, where)
    pairs = target.astype(np.int64).ravel() * classes + prediction.astype(np.int64).ravel()
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def class_maps(
    prediction: np.ndarray, target: np.ndarray, where: str | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Convert a prediction and its ground truth to integers of one shape.

    Raises:
        DataError: the shapes differ, or a value is no whole number.
    """
    if prediction.shape != target.shape:
        raise DataError(
            "A prediction and its truth differ in shape",
            expected=f"a prediction of the shape {target.shape}",
            received=f"shape {prediction.shape}",
            where=where if where is None else f"sample {where!r}",
            fix="bring the prediction to the original size before scoring",
        )
    for values, what in ((prediction, "prediction"), (target, "truth")):
        if values.dtype.kind not in "biuf":
            raise DataError(
                f"A {what} is not a map of class indices",
                expected="numbers",
                received=f"dtype {values.dtype}",
                where=where if where is None else f"sample {where!r}",
            )
    key = ["without an id" if where is None else where]
    return (
        integers(prediction[None], "predictions", key)[0],
        integers(target[None], "targets", key)[0],
    )


def _check_indices(
    prediction: np.ndarray, target: np.ndarray, classes: int, where: str | None
) -> None:
    """Raise DataError if a sample's maps are one-hot, with a channel for each class."""
    for axis in (0, 2):
        if target.shape[axis] == classes and all(
            is_one_hot(values, axis) for values in (target, prediction)
        ):
            raise DataError(
                "Maps of classes are one-hot",
                expected="a class index for each pixel, (H, W)",
                received=f"shape {target.shape} with a single 1 for each pixel",
                where=where if where is None else f"sample {where!r}",
                fix=f"give mask.argmax(axis={axis}) of both",
            )


def check_classes(
    prediction: np.ndarray,
    target: np.ndarray,
    classes: int,
    where: str | None = None,
    void: np.ndarray | None = None,
) -> None:
    """Raise DataError if a label or a prediction is not in 0 .. `classes`-1.

    `void`, a bool array of the same shape, marks pixels that do not count.
    """
    for values, what in ((target, "label"), (prediction, "prediction")):
        outside = (values < 0) | (values >= classes)
        if void is not None:
            outside &= ~void
        if outside.any():
            raise DataError(
                f"A {what} is not a class index",
                expected=f"0 to {classes - 1}",
                received=", ".join(str(value) for value in np.unique(values[outside])[:5]),
                where=where if where is None else f"sample {where!r}",
                fix=index_fix(
                    values if void is None else values[~void],
                    classes,
                    "correct the mask, the number of classes or the ignored label",
                ),
            )
