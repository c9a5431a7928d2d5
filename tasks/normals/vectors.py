"""Vectors of length 1, and their image."""

from __future__ import annotations

import numpy as np


def unit(vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Vectors brought to length 1, and which of them have a direction at all.

    Args:
        vectors: (..., 3) of any length; zero, or not finite, where unknown.

    Returns:
        ((..., 3) float32, zero where unknown; (...) bool.)
    """
    vectors = np.asarray(vectors, np.float32)
    # The largest component first made 1: the squares of very long or short ones would be lost.
    largest = np.abs(vectors).max(axis=-1, keepdims=True)
    known = np.isfinite(largest) & (largest > 0)  # the largest is nan if any is
    scaled = np.divide(vectors, largest, out=np.zeros_like(vectors), where=known)
    length = np.sqrt(np.square(scaled).sum(axis=-1, keepdims=True))
    made = np.divide(scaled, length, out=np.zeros_like(vectors), where=known)
    return made, known[..., 0]


def draw_normals(image: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """A copy of the image under its normals as colours; what is unknown stays as it is.

    Red, green and blue are x, y and z, from -1 (0) over 0 (128) to 1 (255).

    Args:
        image: (H, W, 3) uint8.
        normals: (H, W, 3) of any length.
    """
    vectors, known = unit(normals)
    colors = np.rint(127.5 * (vectors + 1)).astype(np.uint8)
    result: np.ndarray = np.where(known[..., None], colors, image)
    return result
