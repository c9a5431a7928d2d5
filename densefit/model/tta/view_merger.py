"""Merge the outputs of a head for several views of an image into one prediction."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from densefit.data.loader.views import View
from densefit.data.sample import Geometry
from densefit.model.host_arrays import to_numpy


class Merger(ABC):
    """Accumulates the views of one image, in any order."""

    @abstractmethod
    def add(self, outputs: Mapping[str, Any], view: View) -> None:
        """Add one view.

        Args:
            outputs: the head's view outputs for one sample, by name, which may stay on the device.
            view: geometry of the view.
        """

    @abstractmethod
    def result(self) -> Any:
        """The prediction for the image, as from the head's `decode`."""


class Predictions(Merger):
    """Decode each view, then merge the predictions in original image coordinates.

    Args:
        decode: outputs of n samples, and their geometries -> n predictions.
        combine: predictions for one image, and their views -> one prediction.
    """

    def __init__(
        self,
        decode: Callable[[Mapping[str, np.ndarray], Sequence[Geometry]], list[Any]],
        combine: Callable[[Sequence[Any], Sequence[View]], Any],
    ) -> None:
        self._decode, self._combine = decode, combine
        self._views: list[tuple[Mapping[str, Any], View]] = []

    def add(self, outputs: Mapping[str, Any], view: View) -> None:
        self._views.append((outputs, view))

    def result(self) -> Any:
        predictions = []
        for outputs, view in self._views:
            arrays = {name: to_numpy(array) for name, array in outputs.items()}
            predictions += self._decode(arrays, [view])
        return self._combine(predictions, [view for _, view in self._views])
