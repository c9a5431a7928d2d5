"""Labels and ground truth of a segmentation head, from a sample's mask."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import numpy as np

from densefit.data.classes.known_classes import known_classes, known_name
from densefit.data.geometry.strided_map import cell_centres, grid_size
from densefit.data.sample import Sample
from densefit.errors import DataError
from densefit.model.decoders import LOGIT_STRIDE
from densefit.model.heads.head import Label
from densefit.model.losses import WeightedLoss
from densefit.once import first_time

IGNORE = 255
_log = logging.getLogger("densefit")


class MaskEncoding:
    """The part of `Segmentation` that reads masks.

    Its attributes are settings of `Segmentation`; `background` is a class index.
    """

    name: str
    classes: list[str]
    target: str
    background: int | None
    losses: tuple[WeightedLoss, ...]
    _class_weights: np.ndarray

    def labels(self, input_size: tuple[int, int]) -> list[Label]:
        """`mask`: class indices; `weight`: weight of each cell, adding up to 1.

        With a background also `known` (classes,): 0 for classes that the sample does not annotate;
        and the further labels of the losses.
        """
        size = grid_size(input_size, LOGIT_STRIDE)
        labels = [Label("mask", size), Label("weight", size)]
        if self.background is not None:
            labels.append(Label("known", (len(self.classes),)))
        for weighted in self.losses:
            labels += weighted.loss.labels(size, len(self.classes))
        return labels

    def has_valid_labels(self, labels: Mapping[str, np.ndarray]) -> bool:
        """Whether any cell is not void."""
        return bool(np.any(labels["weight"]))

    def encode(self, sample: Sample) -> dict[str, np.ndarray]:
        """Encode the mask at every fourth pixel; without the target no cell has a weight.

        Raises:
            DataError: a value that is neither a class nor 255.
        """
        mask = sample.targets.get(self.target)
        if mask is None:
            zeros = np.zeros(grid_size(sample.image.shape, LOGIT_STRIDE), np.float32)
            void = np.full(zeros.shape, IGNORE, np.uint8)
            further = {**self._annotation_label(sample), **self._loss_labels(void)}
            return {"mask": zeros, "weight": zeros, **further}
        small = cell_centres(mask, LOGIT_STRIDE)
        if ((small >= len(self.classes)) & (small != IGNORE)).any():
            raise DataError(
                "A mask has a value that is not a class",
                expected=f"0 to {len(self.classes) - 1}, or {IGNORE} to ignore",
                received=f"values {np.unique(mask).tolist()}",
                where=f"head {self.name}, sample {sample.id}",
            )
        weight = self._class_weights[small]
        total = weight.sum()
        return {
            "mask": np.where(small == IGNORE, 0, small).astype(np.float32),
            "weight": weight / total if total > 0 else weight,
            **self._annotation_label(sample),
            **self._loss_labels(small),
        }

    def _loss_labels(self, small: np.ndarray) -> dict[str, np.ndarray]:
        """Encode the further labels of the losses, from the mask at LOGIT_STRIDE."""
        labels: dict[str, np.ndarray] = {}
        for weighted in self.losses:
            labels.update(weighted.loss.encode(small, len(self.classes)))
        return labels

    def _annotation_label(self, sample: Sample) -> dict[str, np.ndarray]:
        """Encode the label `known` of a head with a background."""
        if self.background is None:
            self._warn_of_unknown(sample.targets, f"sample {sample.id}")
            return {}
        annotated = self.annotated_classes(sample.targets, f"head {self.name}, sample {sample.id}")
        return {"known": annotated.astype(np.float32)}

    def annotated_classes(self, targets: Mapping[str, np.ndarray], where: str) -> np.ndarray:
        """(classes,) bool: which classes a sample's mask annotates; always the background.

        Raises:
            DataError: the sample states it for another number of classes.
        """
        annotated = known_classes(targets, len(self.classes), where, self.target)
        if self.background is not None:
            annotated[self.background] = True
        return annotated

    def _warn_of_unknown(self, targets: Mapping[str, np.ndarray], where: str) -> None:
        """Warn once if a sample does not annotate all classes and the head has no background."""
        if known_name(self.target) not in targets:
            return
        annotated = self.annotated_classes(targets, f"head {self.name}, {where}")
        if not annotated.all() and first_time("no background", self.name, *self.classes):
            unknown = [name for name, has in zip(self.classes, annotated) if not has]
            _log.warning(
                "The head %r has no background, and the %s of some samples does not annotate all "
                "classes (%s): each pixel counts as labelled. If pixels of other classes are "
                "labelled as a background class, set background=NAME; nothing is wrong if they are "
                "void (%d)",
                *(self.name, self.target, f"{where} not of {', '.join(unknown[:5])}", IGNORE),
            )

    def ground_truth(self, targets: Mapping[str, np.ndarray]) -> np.ndarray | None:
        """The original mask, None if there is none."""
        return targets.get(self.target)

    def filter_prediction(
        self, prediction: np.ndarray, targets: Mapping[str, np.ndarray]
    ) -> np.ndarray:
        """Replace classes that the sample does not annotate by the background, as in its mask."""
        if self.background is None:
            self._warn_of_unknown(targets, "scoring")
            return prediction
        annotated = self.annotated_classes(targets, f"head {self.name}")
        if annotated.all():
            return prediction
        indices = np.arange(len(annotated), dtype=prediction.dtype)
        return np.where(annotated, indices, np.array(self.background, indices.dtype))[prediction]
