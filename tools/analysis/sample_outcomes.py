"""What is right and wrong on one sample, by class: class maps and classified images."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from densefit.metrics.core.metric import Metric
from densefit.metrics.dense.confusion import ConfusionMatrix, iou
from densefit.metrics.dense.confusion_count import confusion_matrix
from densefit.model.heads.head import Head
from densefit.tasks.classification.head import Classification

Outcomes = dict[tuple[int, str], int]

RIGHT, WRONG = "right", "wrong class"
MISSED, LOW, FALSE = "missed", "IoU below 0.5", "only predicted"


def outcomes_of(head: Head, metric: Metric) -> Callable[[Any, Any], Outcomes] | None:
    """Function of (prediction, ground truth) that gives the outcomes of a sample.

    None for heads whose errors have no kinds, such as depth.
    """
    if isinstance(metric, ConfusionMatrix):
        classes, ignore_label = len(metric.classes), metric.ignore_label
        return lambda prediction, truth: map_outcomes(
            confusion_matrix(np.asarray(prediction), np.asarray(truth), classes, ignore_label)
        )
    return class_outcomes if isinstance(head, Classification) else None


def map_outcomes(matrix: np.ndarray) -> Outcomes:
    """Outcome of each class on an image, from its confusion matrix.

    >>> map_outcomes(np.array([[9, 1, 0], [2, 0, 0], [0, 0, 0]]))
    {(0, 'right'): 1, (1, 'missed'): 1}

    Args:
        matrix: (K, K) counts of pixels, rows are the truth.
    """
    outcomes = {}
    for label, value in enumerate(iou(matrix)):
        if np.isnan(value):
            continue
        kind = RIGHT if value >= 0.5 else LOW if value > 0 else MISSED
        outcomes[label, kind if matrix[label].any() else FALSE] = 1
    return outcomes


def class_outcomes(prediction: Any, truth: Any) -> Outcomes:
    """Outcome of a classified image; of a wrong one for both classes.

    >>> class_outcomes(np.array([0.2, 0.8]), 0)
    {(0, 'wrong class'): 1, (1, 'wrong class'): 1}
    """
    predicted, true = int(np.argmax(prediction)), int(truth)
    if predicted == true:
        return {(true, RIGHT): 1}
    return {(true, WRONG): 1, (predicted, WRONG): 1}
