"""Fine patterns over a picture, which one task must read and all others ignore."""

from __future__ import annotations

import numpy as np

#: Patterns of a patch; each is itself when it is mirrored.
STRIPES_CLASSES = ("plain", "rows", "columns", "checks")
_PERIOD = 4  # pixels, which a convolution of stride 2 still sees
_PATCHES = (4, 6)  # down and across
_GREY = 255.0


def add_stripes(
    rng: np.random.Generator, image: np.ndarray, contrast: float
) -> tuple[np.ndarray, np.ndarray]:
    """Cover a picture with patches of patterns, at random.

    Args:
        rng: what decides.
        image: (H, W, 3) uint8.
        contrast: between bright and dark parts of a pattern, 0 to 1 of the whole range.

    Returns:
        The picture, and (H, W) uint8 indices of `STRIPES_CLASSES`.
    """
    height, width = image.shape[:2]
    kinds = rng.integers(len(STRIPES_CLASSES), size=_PATCHES).astype(np.uint8)
    rows = np.arange(height) * _PATCHES[0] // height
    columns = np.arange(width) * _PATCHES[1] // width
    target = kinds[rows[:, None], columns]
    first = rng.integers(_PERIOD, size=2)
    y = _square(np.arange(height) + first[0])[:, None] * np.ones(width, np.float32)
    x = _square(np.arange(width) + first[1]) * np.ones((height, 1), np.float32)
    pattern = np.choose(target, [np.zeros_like(x), y, x, x * y])
    bright = image + (contrast * _GREY / 2) * pattern[..., None]
    return np.clip(bright, 0, 255).astype(np.uint8), target


def _square(at: np.ndarray) -> np.ndarray:
    """1 and -1, for half of a period each."""
    return np.where(at % _PERIOD < _PERIOD // 2, np.float32(1), np.float32(-1))
