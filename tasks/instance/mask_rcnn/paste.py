"""Paste masks of boxes into the original image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from densefit.data.sample import Geometry
from densefit.tasks.instance.paste import resample_mask, run_lengths


def paste_regions(
    probabilities: Sequence[np.ndarray],
    regions: np.ndarray,
    boxes: np.ndarray,
    geometry: Geometry,
) -> list[dict[str, Any]]:
    """Paste masks that fill their boxes, 0 beyond, and encode them as COCO run lengths.

    Args:
        probabilities: (h, w) uint8 each, 255 for 1.
        regions: (m, 4) xyxy of the masks in input pixels.
        boxes: (m, 4) xyxy of the masks in original pixels, clipped to the image.
        geometry: geometry of the sample.
    """
    pasted = []
    for probability, region, box in zip(probabilities, regions, boxes):
        matrix = to_cells(region, probability.shape) @ np.vstack([geometry.matrix, [0, 0, 1]])
        pasted.append(resample_mask(probability, box, matrix, geometry.size, cv2.BORDER_CONSTANT))
    return run_lengths(pasted, geometry.size)


def to_cells(region: np.ndarray, size: Sequence[int]) -> np.ndarray:
    """(2, 3) map from pixels to the (h, w) cells of a box.

    >>> to_cells(np.array([10, 20, 20, 60]), (8, 5)).tolist()
    [[0.5, 0.0, -5.0], [0.0, 0.2, -4.0]]
    """
    x1, y1, x2, y2 = (float(side) for side in region)
    across, down = size[1] / max(x2 - x1, 1e-6), size[0] / max(y2 - y1, 1e-6)
    return np.array([[across, 0, -across * x1], [0, down, -down * y1]])
