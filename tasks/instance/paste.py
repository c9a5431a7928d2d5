"""Paste masks of prototype resolution into the original image."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import cv2
import numpy as np

from densefit.data.geometry.rle import as_text, encode
from densefit.data.sample import Geometry

HALF = 128  # probability 0.5 of 256 steps


def pixel_window(box: np.ndarray, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Pixels whose centres an xyxy box contains, at least one: x1, y1, x2, y2 (exclusive).

    >>> pixel_window(np.array([1.4, 1.6, 3.5, 1.7]), (4, 4))
    (1, 1, 3, 2)
    """
    height, width = size
    x1, y1, x2, y2 = (int(side) for side in np.ceil(np.asarray(box, np.float64) - 0.5))
    if x2 <= x1:
        x1, x2 = int(box[0]), int(box[0]) + 1
    if y2 <= y1:
        y1, y2 = int(box[1]), int(box[1]) + 1
    x1, y1 = min(max(x1, 0), width - 1), min(max(y1, 0), height - 1)
    return x1, y1, max(min(x2, width), x1 + 1), max(min(y2, height), y1 + 1)


def paste_mask(
    probability: np.ndarray, box: np.ndarray, stride: int, geometry: Geometry
) -> tuple[tuple[int, int, int, int], np.ndarray]:
    """Resample a mask at the pixel centres of its box, and threshold it at 0.5.

    Args:
        probability: (h, w) uint8, 255 for 1.
        box: (4,) xyxy in original pixels.
        stride: input pixels per cell.
        geometry: geometry of the sample.

    Returns:
        x1, y1, x2, y2 of the pixels, and (y2 - y1, x2 - x1) bool.
    """
    return resample_mask(
        probability, box, geometry.matrix / stride, geometry.size, cv2.BORDER_REPLICATE
    )


def resample_mask(
    probability: np.ndarray,
    box: np.ndarray,
    to_cells: np.ndarray,
    size: tuple[int, int],
    border: int,
) -> tuple[tuple[int, int, int, int], np.ndarray]:
    """Resample a mask at the pixel centres of its box, and threshold it at 0.5.

    Args:
        probability: (h, w) uint8, 255 for 1.
        box: (4,) xyxy in original pixels.
        to_cells: (2, 3) map from original pixels to cells of the mask.
        size: (height, width) of the original image.
        border: OpenCV's kind of border around the mask.

    Returns:
        x1, y1, x2, y2 of the pixels, and (y2 - y1, x2 - x1) bool.
    """
    x1, y1, x2, y2 = window = pixel_window(box, size)
    # warpAffine takes the map from pixel indices of the window to cell indices.
    matrix = np.array(to_cells)
    matrix[:, 2] += matrix[:, :2] @ (x1 + 0.5, y1 + 0.5) - 0.5
    values = cv2.warpAffine(
        probability,
        matrix,
        (x2 - x1, y2 - y1),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=border,
    )
    return window, np.asarray(values) >= HALF


def paste_masks(
    probabilities: Sequence[np.ndarray], boxes: np.ndarray, stride: int, geometry: Geometry
) -> list[dict[str, Any]]:
    """Paste masks and encode them as COCO run lengths.

    Args:
        probabilities: (h, w) uint8 each, 255 for 1.
        boxes: (m, 4) xyxy in original pixels.
        stride: input pixels per cell.
        geometry: geometry of the sample.
    """
    pasted = (
        paste_mask(probability, box, stride, geometry)
        for probability, box in zip(probabilities, boxes)
    )
    return run_lengths(pasted, geometry.size)


def run_lengths(
    masks: Iterable[tuple[tuple[int, int, int, int], np.ndarray]], size: tuple[int, int]
) -> list[dict[str, Any]]:
    """COCO run lengths of masks: a few hundred bytes each.

    Args:
        masks: x1, y1, x2, y2 and the pixels of each, as `resample_mask` gives them.
        size: (height, width) of the image.
    """
    whole: np.ndarray = np.zeros(size, np.uint8, order="F")
    texts = []
    for (x1, y1, x2, y2), inside in masks:
        whole[y1:y2, x1:x2] = inside
        texts.append(as_text(encode(whole)))
        whole[y1:y2, x1:x2] = 0
    return texts
