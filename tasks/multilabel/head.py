"""The multi-label head: presence of each class in the image."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.data.sample import Geometry, Sample
from densefit.errors import ConfigError, DataError
from densefit.metrics import Metric, MultiLabelAveragePrecision, MultiLabelF1
from densefit.model.distillation.losses import label_divergence
from densefit.model.heads.head import Features, Head, Label, class_names, heads, named_rows
from densefit.model.heads.program_lines import print_probabilities
from densefit.model.heads.teachable import once_per_features
from densefit.model.layers import pooled_logits
from densefit.model.loss_weights import class_weights as weights_of_classes
from densefit.symbol import sym
from densefit.visualize.drawing import draw_label, letter_height

from .loss import binary_loss

UNKNOWN = -1
VOID = 255  # read as unknown, as in masks


@heads.register("multilabel")
class MultiLabel(Head):
    """Any number of classes for the whole image, by global average pooling.

    Needs a target `labels`: (C,) of 1 (present), 0 (absent), and -1 or 255 (unknown), which is not
    trained and not scored; a dataset that writes -1 for absent has to write 0. The loss is binary
    cross-entropy, a weighted mean over the known classes of an image. Predictions are (C,) float32
    probabilities, independent of each other.

    Labels are labels of the whole image: a crop may lose the only object of a class, so train on
    crops of most of it.

    Args:
        classes: names, or their number; one is enough.
        name: prefix of labels, outputs, parameters and scores.
        weight: factor on the head's loss.
        dropout: dropout rate of the pooled features.
        class_weights: factor on each class's loss; 1 by default.
        focal_gamma: exponent of the focal loss, 2 in the paper; 0: cross-entropy. See `.loss`.
        threshold: lowest probability of a present class, in F1 and in drawings.
        target: name of the target to learn, so that two heads can learn different labels.

    Raises:
        ConfigError: a setting is out of range, or a class is named twice.
    """

    supports_windows = False
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
        """Classes of the rows of the last layer."""
        return named_rows(self.names(self.target), f"{self.name}_class")

    def labels(self, input_size: tuple[int, int]) -> list[Label]:
        """`labels`: 0 and 1; `weight`: weight of each class, 0 where unknown, adding up to 1."""
        return [Label("labels", (len(self.classes),)), Label("weight", (len(self.classes),))]

    def _checked_labels(self, targets: Mapping[str, np.ndarray], where: str) -> np.ndarray:
        """(C,) int64 of 0, 1 and UNKNOWN; all unknown without the target."""
        labels = targets.get(self.target)
        if labels is None:
            return np.full(len(self.classes), UNKNOWN, np.int64)
        labels = np.asarray(labels)
        is_complete = labels.shape == (len(self.classes),)
        if not is_complete or not np.isin(labels, (0, 1, UNKNOWN, VOID)).all():
            raise DataError(
                "Labels are not a yes or no for each class",
                expected=f"shape ({len(self.classes)},) of 1, 0, or {UNKNOWN} (unknown)",
                received=f"shape {labels.shape}, values {np.unique(labels)[:5].tolist()}",
                where=where,
                fix="make the head with the dataset's classes",
            )
        return np.where(labels == VOID, UNKNOWN, labels).astype(np.int64)

    def has_valid_labels(self, labels: Mapping[str, np.ndarray]) -> bool:
        """Whether any class is known."""
        return bool(np.any(labels["weight"]))

    def encode(self, sample: Sample) -> dict[str, np.ndarray]:
        """Encode the labels; without the target no class has a weight."""
        labels = self._checked_labels(sample.targets, f"sample {sample.id!r}, head {self.name!r}")
        weight = np.where(labels == UNKNOWN, np.float32(0), self._class_weights)
        total = weight.sum()
        return {
            "labels": (labels == 1).astype(np.float32),
            "weight": weight / total if total > 0 else weight,
        }

    @once_per_features
    def _scores(self, features: Features) -> Any:
        """(B, C) logits."""
        return pooled_logits(features, self.name, len(self.classes), self.dropout)

    softens = True

    def teacher_outputs(self, features: Features) -> dict[str, Any]:
        """`logits` (B, C)."""
        return {"logits": self._scores(features)}

    def teacher_loss(
        self, student: Mapping[str, Any], teacher: Mapping[str, Any], temperature: float
    ) -> Any:
        """(B,) mean divergence of each label's probabilities, Hinton et al. 2015."""
        return label_divergence(student["logits"], teacher["logits"], temperature)

    def train(self, features: Features, labels: Mapping[str, Any]) -> dict[str, Any]:
        """`loss` (B,): weighted mean over the known classes."""
        scores = self._scores(features)
        return {"loss": binary_loss(scores, labels["labels"], labels["weight"], self.focal_gamma)}

    def evaluate(self, features: Features) -> dict[str, Any]:
        """`probabilities` (B, C)."""
        return {"probabilities": sym.sigmoid(self._scores(features))}

    def decode(
        self, outputs: Mapping[str, np.ndarray], geometries: Sequence[Geometry]
    ) -> list[np.ndarray]:
        """(C,) float32 probabilities for each sample."""
        return [np.asarray(row, np.float32) for row in outputs["probabilities"]]

    def merge_predictions(self, predictions: Sequence[Any]) -> np.ndarray:
        """Mean probabilities."""
        return np.mean(predictions, axis=0, dtype=np.float64).astype(np.float32)

    def ground_truth(self, targets: Mapping[str, np.ndarray]) -> np.ndarray | None:
        """(C,) int64 of 0, 1 and -1; None if all classes are unknown."""
        labels = self._checked_labels(targets, f"head {self.name!r}")
        return None if (labels == UNKNOWN).all() else labels

    def program_lines(self) -> str:
        """Lines that print name and probability of each class."""
        return print_probabilities(self.name, "probabilities")

    def metrics(self) -> list[Metric]:
        """Average precision of each class and its mean, and F1 at the threshold."""
        return [
            MultiLabelAveragePrecision(self.classes, UNKNOWN),
            MultiLabelF1(self.classes, self.threshold, UNKNOWN),
        ]

    resizable = True

    def draw(self, image: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        """Present classes and their probabilities, the most probable first."""
        order = np.argsort(-prediction, kind="stable")
        present = [index for index in order if prediction[index] >= self.threshold]
        lines = [f"{self.classes[index]} {prediction[index]:.0%}" for index in present]
        return _write(image, lines)

    def draw_truth(self, image: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """Names of the present classes; unknown classes have a question mark."""
        names = [name for name, label in zip(self.classes, truth) if label == 1]
        names += [f"{name}?" for name, label in zip(self.classes, truth) if label == UNKNOWN]
        return _write(image, names)


def _write(image: np.ndarray, lines: Sequence[str]) -> np.ndarray:
    """Draw as many lines as fit in the upper left corner of a copy of the image."""
    step = 2 * letter_height(image)
    room = max(1, int(image.shape[0] / step))
    result = image
    for number, line in enumerate(list(lines[:room]) or ["none of the classes"]):
        result = draw_label(result, line, (0, (number + 1) * step))
    return result
