"""Losses of a segmentation head, from its logits and labels. Symbols."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from densefit.model.decoders import Decoder
from densefit.model.heads.head import Features
from densefit.model.losses import ClassCells, WeightedLoss
from densefit.symbol import sym


class MaskTraining:
    """The part of `Segmentation` that builds its losses.

    Its attributes are settings of `Segmentation`; `background` is a class index.
    """

    name: str
    classes: list[str]
    background: int | None
    losses: tuple[WeightedLoss, ...]
    auxiliary: float
    decoder: Decoder
    _class_weights: np.ndarray

    @property
    def loss_terms(self) -> list[str]:
        """Names of the terms of `train`."""
        if len(self.losses) == 1 and not self.auxiliary:
            return ["loss"]
        return [*(loss.name for loss in self.losses), *(["auxiliary"] if self.auxiliary else [])]

    def _logits(self, features: Features) -> Any:
        raise NotImplementedError

    def train(self, features: Features, labels: Mapping[str, Any]) -> dict[str, Any]:
        """`loss`; or several terms: each loss times its factor by its name, and `auxiliary`."""
        terms = self._weighted(self._logits(features), labels)
        if self.auxiliary:
            logits = self.decoder.auxiliary(features, f"{self.name}_auxiliary", len(self.classes))
            first, *further = self._weighted(logits, labels)
            terms.append(sum(further, first) * self.auxiliary)
        return dict(zip(self.loss_terms, terms))

    def _weighted(self, logits: Any, labels: Mapping[str, Any]) -> list[Any]:
        """(B,) each loss times its factor."""
        cells = self._cells(logits, labels)
        return [
            weighted.loss(cells) if weighted.weight == 1 else weighted.loss(cells) * weighted.weight
            for weighted in self.losses
        ]

    def _cells(self, logits: Any, labels: Mapping[str, Any]) -> ClassCells:
        annotated = unsure = None
        if self.background is not None:
            annotated = sym.reshape(labels["known"], shape=(0, 0, 1, 1))
            unsure = sym.expand_dims(labels["mask"] == self.background, axis=1)
        weights = [float(weight) for weight in self._class_weights[: len(self.classes)]]
        return ClassCells(
            logits,
            labels["mask"],
            labels["weight"],
            len(self.classes),
            weights,
            annotated,
            unsure,
            labels,
        )
