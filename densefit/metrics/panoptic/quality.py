"""Panoptic quality: recognition and segmentation quality of segments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from densefit.errors import ConfigError
from densefit.metrics.core.additive import AdditiveMetric
from densefit.metrics.core.arrays import check_equally_many
from densefit.metrics.core.classes import class_names, mean_defined
from densefit.metrics.core.metric import metrics
from densefit.metrics.panoptic.match import match
from densefit.metrics.panoptic.segments import segments


def panoptic_quality(
    iou: np.ndarray, tp: np.ndarray, fp: np.ndarray, fn: np.ndarray
) -> dict[str, np.ndarray]:
    """PQ, SQ and RQ of each class, (K,) float64 each.

    SQ, the segmentation quality, is the mean IoU of the true positives; RQ, the recognition
    quality, is TP / (TP + FP/2 + FN/2); PQ is their product. A class without segments, true or
    predicted, is nan; a class without true positives is 0.

    >>> panoptic_quality(np.array([1.5]), np.array([2]), np.array([1]), np.array([1]))["PQ"]
    array([0.5])

    Args:
        iou: (K,) sums of the IoU of the true positives.
        tp: (K,) true positives.
        fp: (K,) false positives.
        fn: (K,) false negatives.
    """
    weight = tp + 0.5 * fp + 0.5 * fn
    parts = {"PQ": (iou, weight), "SQ": (iou, np.maximum(tp, 1)), "RQ": (tp, weight)}
    return {
        name: np.divide(part, whole, out=np.full(len(tp), np.nan), where=weight > 0)
        for name, (part, whole) in parts.items()
    }


@metrics.register("panoptic_quality")
class PanopticQuality(AdditiveMetric):
    """PQ, SQ and RQ: means over all classes, over things, over stuff, and of each class.

    One prediction is {"map": (H, W) integers, the id of each pixel's segment, 0 for void; "ids":
    (n,) the segments' ids, above 0; "classes": (n,) their class indices}; one target is the same
    and, where there are any, "crowd": (n,) bool. Every id of the map is described, and every
    described id has a pixel.

    A class without any segment is nan and in no mean; if no thing (or no stuff) is left, its
    means are nan, where COCO's panopticapi divides by zero. For void and crowds see
    `densefit.metrics.panoptic.match.match`; areas are counted in the map.

    Kirillov et al., "Panoptic Segmentation", CVPR 2019.

    Args:
        classes: names in index order, or their number.
        things: names of the classes with countable objects; other classes are stuff.

    Attributes:
        iou: (K,) float64, sums of the IoU of the true positives.
        tp, fp, fn: (K,) int64.
    """

    name = "panoptic_quality"
    primary = "PQ"
    iou: np.ndarray
    tp: np.ndarray
    fp: np.ndarray
    fn: np.ndarray

    def __init__(self, classes: Sequence[str] | int, things: Sequence[str]) -> None:
        self.classes = class_names(classes)
        unknown = [name for name in things if name not in self.classes]
        if unknown or isinstance(things, str):
            raise ConfigError(
                "things are not names of classes",
                expected=f"a list of some of {', '.join(self.classes)}",
                received=repr(things) if isinstance(things, str) else ", ".join(map(str, unknown)),
            )
        self.things = [name for name in self.classes if name in things]
        shape = (len(self.classes),)
        super().__init__(
            {"iou": (shape, float), "tp": (shape, int), "fp": (shape, int), "fn": (shape, int)}
        )

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "things": self.things}

    def update(
        self, predictions: Sequence[Any], targets: Sequence[Any], ids: Sequence[str]
    ) -> None:
        check_equally_many(predictions, targets, ids)
        count = len(self.classes)
        for prediction, target, key in zip(predictions, targets, ids):
            predicted = segments(prediction, count, f"prediction of {key!r}")
            truth = segments(target, count, f"truth of {key!r}")
            matches = match(predicted, truth, count, f"sample {key!r}")
            self.iou += matches.iou
            self.tp += matches.tp
            self.fp += matches.fp
            self.fn += matches.fn

    def compute(self) -> dict[str, float]:
        values = panoptic_quality(self.iou, self.tp, self.fp, self.fn)
        is_thing = np.array([name in self.things for name in self.classes])
        numbers = {key: mean_defined(each) for key, each in values.items()}
        for group, members in (("things", is_thing), ("stuff", ~is_thing)):
            for key, each in values.items():
                numbers[f"{key}_{group}"] = mean_defined(each[members])
        for key, each in values.items():
            for name, value in zip(self.classes, each):
                numbers[f"{key}/{name}"] = float(value)
        return numbers
