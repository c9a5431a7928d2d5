"""Confusion matrix of dense predictions, and the numbers that come out of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from typing_extensions import Self

from densefit.errors import CheckpointError, DataError
from densefit.metrics.arrays import host, integers
from densefit.metrics.classes import class_names, mean_defined, same_classes
from densefit.metrics.metric import Metric, metrics
from densefit.metrics.state import entry


def confusion_matrix(
    prediction: np.ndarray,
    target: np.ndarray,
    classes: int,
    ignore_label: int | None = 255,
    where: str | None = None,
) -> np.ndarray:
    """Count the pixels of each pair (true class, predicted class).

    >>> confusion_matrix(np.array([[0, 1, 1]]), np.array([[0, 0, 255]]), classes=2)
    array([[1, 1],
           [0, 0]])

    Args:
        prediction: class indices of any shape and integer type.
        target: class indices of the same shape; `ignore_label` is skipped, whatever is predicted
            there.
        classes: K, the number of classes.
        ignore_label: None if every label must be a class.
        where: the sample's id, for the error.

    Returns:
        (K, K) int64: row = truth, column = prediction.

    Raises:
        DataError: the shapes differ, or a label or a prediction that counts is not in 0 .. K-1.
            (A prediction beyond K has no column; to drop it would raise the IoU of its true
            class, so it is an error too.)
    """
    if prediction.shape != target.shape:
        raise DataError(
            "A prediction and its truth differ in shape",
            expected=f"a prediction of the shape {target.shape}",
            received=f"shape {prediction.shape}",
            where=where if where is None else f"sample {where!r}",
            fix="bring the prediction to the original size before scoring",
        )
    if classes < 256 and prediction.dtype == np.uint8 and target.dtype == np.uint8:
        # All 65,536 pairs of bytes at once: no mask and no copy to int64 of the pixels, and what
        # is ignored is dropped from the small table.
        pairs = target.astype(np.uint16) << 8 | prediction
        table = np.bincount(pairs.ravel(), minlength=1 << 16).reshape(256, 256)
        if ignore_label is not None and 0 <= ignore_label < 256:
            table[ignore_label] = 0
        if table.sum() != table[:classes, :classes].sum():
            _raise_outside(np.flatnonzero(table.any(axis=1)), "label", classes, where)
            _raise_outside(np.flatnonzero(table.any(axis=0)), "prediction", classes, where)
        return table[:classes, :classes].astype(np.int64)
    if ignore_label is not None:
        valid = target != ignore_label
        prediction, target = prediction[valid], target[valid]
    _raise_outside(target, "label", classes, where)
    _raise_outside(prediction, "prediction", classes, where)
    pairs = target.astype(np.int64).ravel() * classes + prediction.astype(np.int64).ravel()
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def _raise_outside(values: np.ndarray, what: str, classes: int, where: str | None) -> None:
    outside = values[(values < 0) | (values >= classes)]
    if outside.size:
        raise DataError(
            f"A {what} is not a class index",
            expected=f"0 to {classes - 1}",
            received=", ".join(str(value) for value in np.unique(outside)[:5]),
            where=where if where is None else f"sample {where!r}",
            fix="correct the mask, the number of classes or the ignored label",
        )


def iou(matrix: np.ndarray) -> np.ndarray:
    """TP / (TP + FP + FN) of each class, (K,) float64.

    nan where the class is neither in the truth nor predicted; 0 where it is only predicted (the
    convention of the Cityscapes evaluation).
    """
    hits = np.diag(matrix).astype(np.float64)
    return _ratio(hits, matrix.sum(axis=0) + matrix.sum(axis=1) - hits)


def class_accuracy(matrix: np.ndarray) -> np.ndarray:
    """TP / (TP + FN) of each class, (K,) float64; nan where the class is not in the truth."""
    return _ratio(np.diag(matrix).astype(np.float64), matrix.sum(axis=1))


def pixel_accuracy(matrix: np.ndarray) -> float:
    """The share of pixels that are right; nan if there are none."""
    total = matrix.sum()
    return float(np.trace(matrix) / total) if total else float("nan")


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)


@metrics.register("confusion_matrix")
@metrics.register("mIoU")
class ConfusionMatrix(Metric):
    """mIoU, pixel accuracy and mean class accuracy over all pixels of the dataset.

    Predictions and targets are class indices, one (H, W) for each sample (sizes may differ), or
    one array (n, H, W). Pixels are summed over the dataset first, as in the Cityscapes
    evaluation; a mean of the images' own mIoU is another, usually higher number.

    Args:
        classes: the names in index order, or their number.
        ignore_label: pixels with this true label count nowhere.

    Attributes:
        matrix: (K, K) int64, row = truth, column = prediction.
    """

    name = "confusion_matrix"
    primary = "mIoU"

    def __init__(self, classes: Sequence[str] | int, ignore_label: int | None = 255) -> None:
        self.classes = class_names(classes)
        self.ignore_label = ignore_label
        self.reset()

    def reset(self) -> None:
        self.matrix = np.zeros((len(self.classes), len(self.classes)), np.int64)

    def update(
        self, predictions: Sequence[Any], targets: Sequence[Any], ids: Sequence[str]
    ) -> None:
        predictions, targets = host(predictions), host(targets)
        if not len(predictions) == len(targets) == len(ids):
            raise DataError(
                "Predictions, targets and ids are not equally many",
                expected=f"{len(ids)} of each",
                received=f"{len(predictions)} predictions, {len(targets)} targets",
            )
        for prediction, target, key in zip(predictions, targets, ids):
            self.matrix += confusion_matrix(
                integers(np.asarray(prediction)[None], "predictions", [key])[0],
                integers(np.asarray(target)[None], "targets", [key])[0],
                len(self.classes),
                self.ignore_label,
                key,
            )

    def compute(self) -> dict[str, float]:
        per_class = iou(self.matrix)
        numbers = {
            "mIoU": mean_defined(per_class),
            "pixel_accuracy": pixel_accuracy(self.matrix),
            "mean_accuracy": mean_defined(class_accuracy(self.matrix)),
        }
        for name, value in zip(self.classes, per_class):
            numbers[f"IoU/{name}"] = float(value)
        return numbers

    def merge(self, other: Self) -> None:
        same_classes(self.classes, other.classes, self.name)
        self.matrix += other.matrix

    def state_dict(self) -> dict[str, Any]:
        return {"matrix": self.matrix.copy()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        matrix = np.array(entry(state, "matrix", self.name), np.int64)
        if matrix.shape != self.matrix.shape:
            raise CheckpointError(
                "The stored confusion matrix is of other classes",
                expected=f"shape {self.matrix.shape}",
                received=f"shape {matrix.shape}",
            )
        self.matrix = matrix
