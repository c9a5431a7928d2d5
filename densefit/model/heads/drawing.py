"""Drawings of a head's predictions and of its ground truth."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np


class Drawing:
    """Optional part of a head: draw predictions and ground truth on images.

    Attributes:
        resizable: whether `draw` and `draw_truth` accept an image of another size, with the
            "boxes", "keypoints", "masks" and maps of a prediction or of the ground truth resized
            with it (`densefit.visualize.fitted`). False: they get the original. Stated by the
            class that defines `draw`.
        hides_image: whether drawings cover the whole image, as maps of colours do: comparisons then
            show the image, too.
    """

    resizable: ClassVar[bool] = False
    hides_image: ClassVar[bool] = False

    def draw(self, image: np.ndarray, prediction: Any) -> np.ndarray:
        """Draw a prediction on a copy of the (H, W, 3) uint8 RGB image."""
        return image.copy()

    def draw_truth(self, image: np.ndarray, truth: Any) -> np.ndarray:
        """Draw the ground truth (what `ground_truth` gave, not None) on a copy of the image."""
        return image.copy()

    def draw_both(
        self, image: np.ndarray, truth: Any, prediction: Any
    ) -> tuple[np.ndarray, np.ndarray]:
        """Draw ground truth and prediction for a comparison side by side, e.g. on one scale."""
        return self.draw_truth(image, truth), self.draw(image, prediction)
