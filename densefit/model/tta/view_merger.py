"""From what a head sees in several views of a picture to one prediction."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from densefit.data.loader.views import View
from densefit.data.sample import Geometry


class Merger(ABC):
    """Takes the views of one picture, in any order."""

    @abstractmethod
    def add(self, outputs: Mapping[str, Any], view: View) -> None:
        """Take in one view.

        Args:
            outputs: what the head's `views` graph gave for it, by name: NDArrays of one sample.
                They may stay on the device; nothing needs to wait for them here.
            view: where the original picture lies in it.
        """

    @abstractmethod
    def result(self) -> Any:
        """The prediction for the picture, as the head's `decode` gives it."""


class Predictions(Merger):
    """Decodes each view by itself, in original image coordinates; a function makes one of them.

    Args:
        decode: outputs of n samples, and their geometries -> n predictions.
        combine: predictions of one picture, and the views that they are of -> one prediction.
    """

    def __init__(
        self,
        decode: Callable[[Mapping[str, np.ndarray], Sequence[Geometry]], list[Any]],
        combine: Callable[[Sequence[Any], Sequence[View]], Any],
    ) -> None:
        self._decode, self._combine = decode, combine
        self._seen: list[tuple[Mapping[str, Any], View]] = []

    def add(self, outputs: Mapping[str, Any], view: View) -> None:
        self._seen.append((outputs, view))

    def result(self) -> Any:
        found = []
        for outputs, view in self._seen:
            arrays = {name: array.asnumpy() for name, array in outputs.items()}
            found += self._decode(arrays, [view])
        return self._combine(found, [view for _, view in self._seen])
