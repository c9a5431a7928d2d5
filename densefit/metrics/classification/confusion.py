"""Confusion matrix of classified samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from densefit.metrics.classification.f1 import highest
from densefit.metrics.core.additive import AdditiveMetric
from densefit.metrics.core.class_scores import class_scores
from densefit.metrics.core.classes import class_names, mean_defined
from densefit.metrics.core.detail import Detail, Matrix
from densefit.metrics.core.metric import metrics
from densefit.metrics.core.operating_point import ratio


@metrics.register("class_confusion")
class ClassConfusion(AdditiveMetric):
    """Recall of each class and their mean, "balanced_accuracy", with the confusion matrix.

    Predictions are scores (n, C), whose highest wins (the lowest index among equals); targets are
    class indices (n,), or one-hot rows. Classes without samples are undefined, and in no mean, as
    in scikit-learn's `balanced_accuracy_score`.

    Args:
        classes: names in index order, or their number.
        ignore_label: targets with this label count nowhere.

    Attributes:
        matrix: (C, C) int64, row = truth, column = prediction.
    """

    name = "class_confusion"
    primary = "balanced_accuracy"
    matrix: np.ndarray

    def __init__(self, classes: Sequence[str] | int, ignore_label: int | None = None) -> None:
        self.classes = class_names(classes)
        self.ignore_label = ignore_label
        super().__init__({"matrix": ((len(self.classes), len(self.classes)), int)})

    def update(
        self, predictions: Sequence[Any], targets: Sequence[Any], ids: Sequence[str]
    ) -> None:
        if not len(ids):
            return
        scores, labels, mask = class_scores(
            predictions, targets, ids, self.ignore_label, "A confusion matrix needs the scores"
        )
        predicted = highest(scores, len(self.classes), ids)
        if mask is not None:
            predicted, labels = predicted[mask], labels[mask]
        np.add.at(self.matrix, (labels, predicted), 1)

    def compute(self) -> dict[str, float]:
        recall = ratio(np.diag(self.matrix), self.matrix.sum(axis=1))
        by_class = {f"recall/{name}": float(value) for name, value in zip(self.classes, recall)}
        return {"balanced_accuracy": mean_defined(recall), **by_class}

    def details(self) -> dict[str, Detail]:
        return {"confusion": Matrix(list(self.classes), self.matrix.copy(), "samples")}
