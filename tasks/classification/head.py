"""The classification head: one class for the whole image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.data.sample import Geometry, Sample
from densefit.errors import ConfigError, DataError
from densefit.metrics import Accuracy, CrossEntropy, Metric, TopK
from densefit.model.distillation.losses import class_divergence
from densefit.model.heads.head import Features, Head, Label, class_names, heads, named_rows
from densefit.model.heads.program_lines import print_probabilities
from densefit.model.heads.teachable import once_per_features
from densefit.model.layers import pooled_logits
from densefit.model.loss_weights import class_weights as weights_of_classes
from densefit.model.loss_weights import weight_row
from densefit.symbol import sym
from densefit.visualize.drawing import draw_label

UNKNOWN = -1


@heads.register("classification")
class Classification(Head):
    """A class for the whole image, by global average pooling of the deepest feature map.

    Predictions are (C,) float32 probabilities. The labels -1 and 255 (if that is no class) mean an
    unknown class, which is not trained.

    The loss is cross-entropy with label smoothing (Szegedy et al., CVPR 2016) and a weight for
    each class, as in torch.nn.CrossEntropyLoss(reduction="none"). With weights, an update's loss
    is the mean over the labelled images; PyTorch's default mean divides by their weights instead.

    Args:
        classes: names, or their number.
        name: prefix of labels, outputs, parameters and scores.
        weight: factor on the head's loss.
        dropout: dropout rate of the pooled features.
        class_weights: factor on the loss of each class; 1 by default.
        label_smoothing: probability that is spread evenly over all classes.
        top_k: values of k for further top-k accuracies.
        target: name of the target to learn, so that two heads can learn different labels.
    """

    supports_windows = False
    class_target = "label"

    def __init__(
        self,
        classes: int | Sequence[str],
        name: str = "classification",
        weight: float = 1.0,
        dropout: float = 0.0,
        top_k: Sequence[int] = (),
        target: str = "label",
        class_weights: Sequence[float] | None = None,
        label_smoothing: float = 0.0,
    ) -> None:
        self.classes = class_names(classes)
        self.name = name
        self.weight = weight
        self.dropout = dropout
        self.top_k = tuple(top_k)
        self.target, self.targets, self.class_target = target, (target,), target
        where = f"head {name!r}"
        if len(self.classes) < 2 or len(set(self.classes)) != len(self.classes):
            raise ConfigError(
                "A classification head needs at least 2 classes of different names",
                received=self.classes,
                where=where,
            )
        for setting, value in (("dropout", dropout), ("label_smoothing", label_smoothing)):
            if not 0 <= value < 1:
                raise ConfigError(
                    f"The setting {setting!r} is a share",
                    expected=f"0 <= {setting} < 1",
                    received=value,
                    where=where,
                )
        self.class_weights = weights_of_classes(class_weights, len(self.classes), where)
        self.label_smoothing = label_smoothing
        if any(not 1 <= k <= len(self.classes) for k in self.top_k):
            raise ConfigError(
                "Top-k accuracy needs k between 1 and the number of classes",
                expected=f"1 to {len(self.classes)}",
                received=self.top_k,
                where=where,
            )

    def class_rows(self) -> dict[str, list[Any]]:
        """Classes of the rows of the last layer."""
        return named_rows(self.names(self.target), f"{self.name}_class")

    def labels(self, input_size: tuple[int, int]) -> list[Label]:
        """`label` (): the class, -1 where it is unknown."""
        return [Label("label", ())]

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
        """(B,) divergence of the class probabilities, Hinton et al. 2015."""
        return class_divergence(student["logits"], teacher["logits"], temperature)

    def train(self, features: Features, labels: Mapping[str, Any]) -> dict[str, Any]:
        """`loss` (B,): cross-entropy, 0 where the label is -1."""
        label = labels["label"]
        log_probability = sym.log_softmax(self._scores(features), axis=-1)
        loss = -self._expected(log_probability, sym.maximum(label, 0))
        return {"loss": loss * sym.BlockGrad(label >= 0)}

    def _expected(self, log_probability: Any, label: Any) -> Any:
        """(B,) weighted log probability under the smoothed label."""
        if set(self.class_weights) != {1.0}:
            factors = sym.reshape(weight_row(self.class_weights), shape=(1, -1))
            log_probability = sym.broadcast_mul(log_probability, factors)
        picked = sym.pick(log_probability, label, axis=-1)
        if not self.label_smoothing:
            return picked
        spread = sym.mean(log_probability, axis=-1)
        return picked * (1 - self.label_smoothing) + spread * self.label_smoothing

    def evaluate(self, features: Features) -> dict[str, Any]:
        """`probabilities` (B, C)."""
        return {"probabilities": sym.softmax(self._scores(features), axis=-1)}

    def _class(self, targets: Mapping[str, np.ndarray], where: str) -> int:
        """The class index, or UNKNOWN, also without the target."""
        label = int(targets.get(self.target, UNKNOWN))
        if 0 <= label < len(self.classes):
            return label
        if label in (UNKNOWN, 255):
            return UNKNOWN
        raise DataError(
            "An image is of no known class",
            expected=f"a class index 0 to {len(self.classes) - 1}, or -1 for unknown",
            received=label,
            where=where,
            fix="make the head with the dataset's classes",
        )

    def encode(self, sample: Sample) -> dict[str, np.ndarray]:
        """Encode the class; it is unknown without the target."""
        label = self._class(sample.targets, f"sample {sample.id!r}, head {self.name!r}")
        return {"label": np.array(label, np.float32)}

    def has_valid_labels(self, labels: Mapping[str, np.ndarray]) -> bool:
        """Whether the class is known."""
        return bool(labels["label"] != UNKNOWN)

    def decode(
        self, outputs: Mapping[str, np.ndarray], geometries: Sequence[Geometry]
    ) -> list[Any]:
        """(C,) float32 probabilities for each sample."""
        return [np.asarray(row, np.float32) for row in outputs["probabilities"]]

    def merge_predictions(self, predictions: Sequence[Any]) -> np.ndarray:
        """Mean probabilities."""
        return np.mean(predictions, axis=0, dtype=np.float64).astype(np.float32)

    def ground_truth(self, targets: Mapping[str, np.ndarray]) -> int | None:
        """The class index, None if it is unknown."""
        label = self._class(targets, f"head {self.name!r}")
        return None if label == UNKNOWN else label

    def program_lines(self) -> str:
        """Lines that print name and probability of each class."""
        return print_probabilities(self.name, "probabilities")

    def metrics(self) -> list[Metric]:
        """Accuracy, top-k accuracies and cross-entropy, over images with a known class."""
        return [Accuracy(), *(TopK(k) for k in self.top_k), CrossEntropy()]

    resizable = True

    def draw(self, image: np.ndarray, prediction: Any) -> np.ndarray:
        """The most probable class with its probability in the upper left corner."""
        index = int(np.argmax(prediction))
        return draw_label(image, f"{self.classes[index]} {prediction[index]:.0%}")

    def draw_truth(self, image: np.ndarray, truth: Any) -> np.ndarray:
        """The name of the class in the upper left corner."""
        return draw_label(image, self.classes[int(truth)])
