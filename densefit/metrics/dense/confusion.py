"""Confusion matrix of class maps: IoU, accuracy, Dice and kappa."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from densefit.metrics.core.additive import AdditiveMetric
from densefit.metrics.core.arrays import each_sample
from densefit.metrics.core.classes import check_void, class_names, mean_defined
from densefit.metrics.core.detail import Detail, Matrix
from densefit.metrics.core.metric import metrics
from densefit.metrics.dense.confusion_count import confusion_matrix


def iou(matrix: np.ndarray) -> np.ndarray:
    """TP / (TP + FP + FN) of each class, (K,) float64.

    nan where the class is neither in the ground truth nor predicted; 0 where it is only predicted
    (the convention of the Cityscapes evaluation).
    """
    hits = np.diag(matrix).astype(np.float64)
    return _ratio(hits, matrix.sum(axis=0) + matrix.sum(axis=1) - hits)


def dice(matrix: np.ndarray) -> np.ndarray:
    """2 TP / (2 TP + FP + FN) of each class, (K,) float64; nan and 0 where the IoU is.

    >>> dice(np.array([[2, 1], [0, 0]]))
    array([0.8, 0. ])
    """
    return _ratio(2.0 * np.diag(matrix), matrix.sum(axis=0) + matrix.sum(axis=1))


def class_accuracy(matrix: np.ndarray) -> np.ndarray:
    """TP / (TP + FN) of each class, (K,) float64; nan where the class is not in the truth."""
    return _ratio(np.diag(matrix).astype(np.float64), matrix.sum(axis=1))


def pixel_accuracy(matrix: np.ndarray) -> float:
    """Share of correct pixels; nan without pixels."""
    total = matrix.sum()
    return float(np.trace(matrix) / total) if total else float("nan")


def frequency_weighted_iou(matrix: np.ndarray) -> float:
    """Mean IoU of the classes in the ground truth, weighted by their pixels; nan without pixels.

    As in detectron2's SemSegEvaluator.

    >>> frequency_weighted_iou(np.array([[3, 1], [0, 0]]))
    0.75
    """
    true = matrix.sum(axis=1)
    present = true > 0
    if not present.any():
        return float("nan")
    return float((iou(matrix)[present] * (true[present] / true.sum())).sum())


def kappa(matrix: np.ndarray) -> float:
    """Cohen's kappa: agreement beyond chance, 1 at best.

    Equal to `sklearn.metrics.cohen_kappa_score`. nan without pixels, and where chance
    alone agrees everywhere (ground truth and prediction are the same class in all pixels).

    >>> kappa(np.array([[20, 5], [10, 15]]))
    0.4
    """
    true, predicted = matrix.sum(axis=1).tolist(), matrix.sum(axis=0).tolist()
    # Python integers: the products of a large dataset do not fit int64.
    total = sum(true)
    chance = sum(rows * columns for rows, columns in zip(true, predicted))
    room = total * total - chance
    return (int(np.trace(matrix)) * total - chance) / room if room else float("nan")


def absent_classes(matrix: np.ndarray) -> float:
    """Number of classes that are neither in the truth nor predicted; nan without pixels.

    >>> absent_classes(np.array([[3, 0, 1], [0, 0, 0], [0, 0, 0]]))
    1.0
    """
    return float(np.isnan(iou(matrix)).sum()) if matrix.any() else float("nan")


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)


@metrics.register("confusion_matrix")
@metrics.register("mIoU")
class ConfusionMatrix(AdditiveMetric):
    """IoU, accuracy, Dice and kappa over all pixels of the dataset.

    Predictions and targets are class indices, one (H, W) for each sample (sizes may differ), or
    one array (n, H, W). Pixels are summed over the dataset first, as in the Cityscapes
    evaluation; the mean of each image's mIoU is another, usually higher number.

    `compute` gives "mIoU", "pixel_accuracy", "mean_accuracy", "fwIoU", "Dice" (the mean over
    classes), "kappa", "absent_classes", and "IoU/<class>", "Dice/<class>", "accuracy/<class>".
    A class that is neither in the ground truth nor predicted is nan and in no mean;
    "absent_classes" counts these. A class that is only predicted has IoU and Dice 0, no accuracy.

    Args:
        classes: names in index order, or their number.
        ignore_label: pixels with this true label count nowhere.

    Attributes:
        matrix: (K, K) int64, row = truth, column = prediction.
    """

    name = "confusion_matrix"
    primary = "mIoU"
    opposite = ("absent_classes",)
    matrix: np.ndarray

    def __init__(self, classes: Sequence[str] | int, ignore_label: int | None = 255) -> None:
        self.classes = class_names(classes)
        check_void(ignore_label, len(self.classes))
        self.ignore_label = ignore_label
        super().__init__({"matrix": ((len(self.classes), len(self.classes)), int)})

    def update(
        self, predictions: Sequence[Any], targets: Sequence[Any], ids: Sequence[str]
    ) -> None:
        for prediction, target, key in each_sample(predictions, targets, ids):
            self.matrix += confusion_matrix(
                np.asarray(prediction),
                np.asarray(target),
                len(self.classes),
                self.ignore_label,
                key,
            )

    def compute(self) -> dict[str, float]:
        per_class = {
            "IoU": iou(self.matrix),
            "Dice": dice(self.matrix),
            "accuracy": class_accuracy(self.matrix),
        }
        numbers = {
            "mIoU": mean_defined(per_class["IoU"]),
            "pixel_accuracy": pixel_accuracy(self.matrix),
            "mean_accuracy": mean_defined(per_class["accuracy"]),
            "fwIoU": frequency_weighted_iou(self.matrix),
            "Dice": mean_defined(per_class["Dice"]),
            "kappa": kappa(self.matrix),
            "absent_classes": absent_classes(self.matrix),
        }
        for key, values in per_class.items():
            for name, value in zip(self.classes, values):
                numbers[f"{key}/{name}"] = float(value)
        return numbers

    def details(self) -> dict[str, Detail]:
        return {"confusion": Matrix(list(self.classes), self.matrix.copy(), "pixels")}
