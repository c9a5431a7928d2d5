"""The true boxes on a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.visualize.drawing import draw_boxes


def draw_true_boxes(
    image: np.ndarray, truth: Mapping[str, Any], classes: Sequence[str]
) -> np.ndarray:
    """A copy with the boxes outlined and named; difficult ones and crowds say so.

    Args:
        image: (H, W, 3) uint8 RGB.
        truth: `boxes` (n, 4) xyxy in pixels, `classes` (n,), and (n,) bool `crowd` and
            `difficult` where known.
        classes: their names.
    """
    boxes, kinds = np.asarray(truth["boxes"]), np.asarray(truth["classes"])
    crowd = np.asarray(truth.get("crowd", np.zeros(len(boxes))), bool)
    difficult = np.asarray(truth.get("difficult", np.zeros(len(boxes))), bool) & ~crowd
    for chosen, word in (
        (crowd, " crowd"),
        (difficult, " difficult"),
        (~crowd & ~difficult, ""),
    ):
        names = [f"{name}{word}" for name in classes]
        image = draw_boxes(image, boxes[chosen], kinds[chosen], names)
    return image
