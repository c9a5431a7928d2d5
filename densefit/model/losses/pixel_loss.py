"""PixelLoss: the interface of losses of class maps, and their registry."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from densefit.model.heads.head import Label
from densefit.model.losses.class_cells import ClassCells
from densefit.registry import Registry


class PixelLoss(ABC):
    """A loss of a class map, normalised within the sample: cells of others do not matter.

    Void cells have no influence. Where a sample annotates some of the classes only, its
    probabilities are those of `partial_log_softmax`: logits of the other classes get no gradient at
    cells that may show them.
    """

    @abstractmethod
    def __call__(self, cells: ClassCells) -> Any:
        """Build the loss of each sample, (B,)."""

    def labels(self, size: tuple[int, int], classes: int) -> list[Label]:
        """Labels that it needs beside the mask. Default: none.

        Args:
            size: (h, w) of the map.
            classes: number of classes.
        """
        return []

    def encode(self, mask: np.ndarray, classes: int) -> dict[str, np.ndarray]:
        """Encode its labels.

        Args:
            mask: (h, w) class of each cell; numbers that are no class where void.
            classes: number of classes.
        """
        return {}


pixel_losses: Registry[PixelLoss] = Registry("pixel loss")
