"""Test-time augmentation: one prediction from several views of an image."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.data.sample import Geometry
from densefit.errors import ConfigError
from densefit.model.heads.features import Features
from densefit.model.tta.view_merger import Merger, Predictions


class ViewMerging(ABC):
    """Optional part of a head: merge the outputs of several views (`df.Loader.views`).

    Override `merge_predictions` to merge decoded predictions; or `view_outputs` and `view_merger`
    to merge outputs, e.g. to average probabilities before the argmax.
    """

    name: str

    @abstractmethod
    def evaluate(self, features: Features) -> dict[str, Any]:
        """Output Symbols by name; see `Head.evaluate`."""

    @abstractmethod
    def decode(
        self, outputs: Mapping[str, np.ndarray], geometries: Sequence[Geometry]
    ) -> list[Any]:
        """Predictions in original image coordinates; see `Head.decode`."""

    def view_outputs(self, features: Features) -> dict[str, Any]:
        """Output Symbols by name, from which `view_merger` makes one prediction for several views.

        For heads whose `evaluate` outputs cannot be averaged, e.g. an argmax. They may be large: a
        merger can work on the device. The outputs of `evaluate` by default.
        """
        return self.evaluate(features)

    @property
    def has_view_outputs(self) -> bool:
        """Whether views are merged from other outputs than those of `evaluate`."""
        return type(self).view_outputs is not ViewMerging.view_outputs

    def view_merger(self, size: tuple[int, int]) -> Merger:
        """A merger for the views of one image of (height, width).

        By default each view is decoded, and `merge_predictions` merges the predictions.
        """
        return Predictions(self.decode, lambda predictions, _: self.merge_predictions(predictions))

    def merge_predictions(self, predictions: Sequence[Any]) -> Any:
        """Merge several predictions for the same image into one.

        Raises:
            ConfigError: the head does not implement it.
        """
        raise ConfigError(
            f"The head {self.name!r} does not say how predictions of several views are combined",
            received=f"{len(predictions)} views",
            fix="give it a method `merge_predictions`, or predict each image once (no views)",
        )
