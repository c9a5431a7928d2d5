"""Maps in host memory, by the functions that mergers of views call on any engine's arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def flip(array: np.ndarray, axis: int) -> np.ndarray:
    """Reverse a copy of an array along an axis."""
    return np.flip(array, axis).copy()


def take(array: np.ndarray, indices: np.ndarray, axis: int) -> np.ndarray:
    """Select (n,) indices of an axis."""
    return array.take(indices.astype(np.int64), axis)


def argmax(array: np.ndarray) -> np.ndarray:
    """(H, W) uint8 index of the maximum over the first axis of (C, H, W) maps."""
    return array.argmax(0).astype(np.uint8)


def zeros(shape: Sequence[int], like: np.ndarray) -> np.ndarray:
    """Make float32 zeros."""
    return np.zeros(tuple(shape), np.float32)


def to_device(array: np.ndarray, like: np.ndarray) -> np.ndarray:
    """Convert an array to float32."""
    return array.astype(np.float32)
