"""Unit vectors, and their drawing."""

from __future__ import annotations

import numpy as np


def unit(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Normalise vectors to length 1, and mark the vectors with a direction.

    Args:
        vectors: (..., 3) of any length; zero, or not finite, where unknown.

    Returns:
        ((..., 3) float32, zero where unknown; (...) bool.)
    """
    vectors = np.asarray(vectors, np.float32)
    # Divided by the largest component first: squares of very long or short vectors would overflow
    # or vanish.
    largest = np.abs(vectors).max(axis=-1, keepdims=True)
    valid = np.isfinite(largest) & (largest > 0)  # the largest is nan if any is
    scaled = np.divide(vectors, largest, out=np.zeros_like(vectors), where=valid)
    length = np.sqrt(np.square(scaled).sum(axis=-1, keepdims=True))
    normalised = np.divide(scaled, length, out=np.zeros_like(vectors), where=valid)
    return normalised, valid[..., 0]


def draw_normals(image: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Draw normals as colours on a copy of the image, which shows where they are unknown.

    Red, green and blue are x, y and z, from -1 (0) over 0 (128) to 1 (255).

    Args:
        image: (H, W, 3) uint8.
        normals: (H, W, 3) of any length.
    """
    vectors, valid = unit(normals)
    colors = np.rint(127.5 * (vectors + 1)).astype(np.uint8)
    result: np.ndarray = np.where(valid[..., None], colors, image)
    return result
