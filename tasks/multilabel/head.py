"""The multi-label head: for each class, whether the image shows it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.backend import mx
from densefit.data.sample import Geometry, Sample
from densefit.errors import ConfigError, DataError
from densefit.metrics import Metric, MultiLabelAveragePrecision, MultiLabelF1
from densefit.model.heads.head import Features, Head, Label, class_names, heads, named_rows
from densefit.model.layers import pooled_logits
from densefit.model.loss_weights import class_weights as weights_of_classes
from densefit.visualize.drawing import draw_label, letter_height

from .loss import binary_loss

UNKNOWN = -1
VOID = 255  # what masks write for it; the same here


@heads.register("multilabel")
class MultiLabel(Head):
    """Several classes for the whole image, or none, by global average pooling.

    Needs a target `labels`: (C,) of 1 (the image shows the class), 0 (it does not), and -1 or
    255 (nobody knows), which trains nothing and counts nowhere; where -1 says no, write 0 for it
    in the dataset. The loss is binary
    cross-entropy, the weighted mean over the known classes of an image. Predictions are (C,)
    float32 probabilities, each class by itself.

    Labels are those of the whole image: a crop may lose the only object of a class, so train on
    crops that show most of it.

    Args:
        classes: names, or how many; one is enough.
        name: prefix of everything the head owns.
        weight: factor on the head's loss.
        dropout: share of the pooled features that is dropped in training.
        class_weights: a factor on each class's part of the loss; 1 by default.
        focal_gamma: above 0, what is known well trains less (2 in the paper); see `.loss`.
        threshold: probability from which on a class counts as shown, in F1 and in drawings.
        target: name of the target to learn, so that two heads can learn different labels.

    Raises:
        ConfigError: a setting is out of range, or classes are alike.
    """

    class_target = "labels"
    is_multilabel = True

    def __init__(
        self,
        classes: int | Sequence[str],
        name: str = "multilabel",
        weight: float = 1.0,
        dropout: float = 0.0,
        class_weights: Sequence[float] | None = None,
        focal_gamma: float = 0.0,
        threshold: float = 0.5,
        target: str = "labels",
    ) -> None:
        self.classes = class_names(classes)
        where = f"head {name!r}"
        if not self.classes or len(set(self.classes)) != len(self.classes):
            raise ConfigError(
                "A multi-label head needs classes of different names",
                received=self.classes,
                where=where,
            )
        for setting, value, high in (
            ("dropout", dropout, 1.0),
            ("threshold", threshold, 1.0),
            ("focal_gamma", focal_gamma, math.inf),
        ):
            if not 0 <= value < high:
                raise ConfigError(
                    f"The setting {setting!r} is out of range",
                    expected=f"0 to below {high}",
                    received=value,
                    where=where,
                )
        weights = weights_of_classes(class_weights, len(self.classes), where)
        self.name, self.weight, self.dropout = name, weight, dropout
        self.focal_gamma, self.threshold = focal_gamma, threshold
        self.target, self.targets, self.class_target = target, (target,), target
        self._class_weights = np.array(weights, np.float32)

    def class_rows(self) -> dict[str, list[Any]]:
        """The rows of the last layer."""
        return named_rows(self.names(self.target), f"{self.name}_class")

    def labels(self, input_size: tuple[int, int]) -> list[Label]:
        """`labels`: 0 and 1; `weight`: what each class counts, 0 where unknown, adding up to 1."""
        return [Label("labels", (len(self.classes),)), Label("weight", (len(self.classes),))]

    def _known(self, targets: Mapping[str, np.ndarray], where: str) -> np.ndarray:
        """(C,) int64 of 0, 1 and UNKNOWN; all unknown if there is no such target."""
        given = targets.get(self.target)
        if given is None:
            return np.full(len(self.classes), UNKNOWN, np.int64)
        given = np.asarray(given)
        if given.shape != (len(self.classes),) or not np.isin(given, (0, 1, UNKNOWN, VOID)).all():
            raise DataError(
                "Labels are not a yes or no for each class",
                expected=f"shape ({len(self.classes)},) of 1, 0, or {UNKNOWN} (unknown)",
                received=f"shape {given.shape}, values {np.unique(given)[:5].tolist()}",
                where=where,
                fix="make the head with the dataset's classes",
            )
        return np.where(given == VOID, UNKNOWN, given).astype(np.int64)

    def has_valid_labels(self, labels: Mapping[str, np.ndarray]) -> bool:
        """Not where no class is known."""
        return bool(np.any(labels["weight"]))

    def encode(self, sample: Sample) -> dict[str, np.ndarray]:
        """The sample's labels. A sample that does not have the target trains nothing."""
        labels = self._known(sample.targets, f"sample {sample.id!r}, head {self.name!r}")
        weight = np.where(labels == UNKNOWN, np.float32(0), self._class_weights)
        total = weight.sum()
        return {
            "labels": (labels == 1).astype(np.float32),
            "weight": weight / total if total > 0 else weight,
        }

    def _scores(self, features: Features) -> Any:
        """(B, C) logits."""
        return pooled_logits(features, self.name, len(self.classes), self.dropout)

    def train(self, features: Features, labels: Mapping[str, Any]) -> dict[str, Any]:
        """`loss` (B,): the weighted mean over the known classes."""
        scores = self._scores(features)
        return {"loss": binary_loss(scores, labels["labels"], labels["weight"], self.focal_gamma)}

    def evaluate(self, features: Features) -> dict[str, Any]:
        """`probabilities` (B, C)."""
        return {"probabilities": mx.sym.sigmoid(self._scores(features))}

    def decode(
        self, outputs: Mapping[str, np.ndarray], geometries: Sequence[Geometry]
    ) -> list[np.ndarray]:
        """(C,) float32 probabilities for each sample."""
        return [np.asarray(row, np.float32) for row in outputs["probabilities"]]

    def merge_predictions(self, predictions: Sequence[Any]) -> np.ndarray:
        """The mean probabilities."""
        return np.mean(predictions, axis=0, dtype=np.float64).astype(np.float32)

    def ground_truth(self, targets: Mapping[str, np.ndarray]) -> np.ndarray | None:
        """(C,) int64 of 0, 1 and -1; None if all are unknown."""
        labels = self._known(targets, f"head {self.name!r}")
        return None if (labels == UNKNOWN).all() else labels

    def metrics(self) -> list[Metric]:
        """Average precision of each class and its mean, and F1 at the threshold."""
        return [
            MultiLabelAveragePrecision(self.classes, UNKNOWN),
            MultiLabelF1(self.classes, self.threshold, UNKNOWN),
        ]

    resizable = True

    def draw(self, image: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        """The classes shown and their probabilities, the most probable first."""
        order = np.argsort(-prediction, kind="stable")
        shown = [index for index in order if prediction[index] >= self.threshold]
        return _write(image, [f"{self.classes[index]} {prediction[index]:.0%}" for index in shown])

    def draw_truth(self, image: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """The names of the classes shown; those that nobody knows about have a question mark."""
        names = [name for name, label in zip(self.classes, truth) if label == 1]
        names += [f"{name}?" for name, label in zip(self.classes, truth) if label == UNKNOWN]
        return _write(image, names)


def _write(image: np.ndarray, lines: Sequence[str]) -> np.ndarray:
    """A copy of the image with lines in its upper left corner, as many as fit."""
    step = 2 * letter_height(image)
    room = max(1, int(image.shape[0] / step))
    result = image
    for number, line in enumerate(list(lines[:room]) or ["none of the classes"]):
        result = draw_label(result, line, (0, (number + 1) * step))
    return result
