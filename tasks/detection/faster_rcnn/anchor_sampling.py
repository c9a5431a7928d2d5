"""Sample the anchors of an image that are trained. Numpy only.

Ren et al., "Faster R-CNN", NeurIPS 2015, section 3.1.3. Runs in the loader's workers.
"""

from __future__ import annotations

import numpy as np


def sample_anchors(
    matched: np.ndarray, count: int, fraction: float, rng: np.random.Generator
) -> np.ndarray:
    """Indices of random anchors: positives up to a fraction of `count`, and background.

    Args:
        matched: (A,) result of `match_anchors`.
        count: maximum number of anchors.
        fraction: largest part of positives.
        rng: source of the choice.

    Returns:
        (up to count,) int64 indices, the positives first.
    """
    positive = _choice(np.flatnonzero(matched > 0), int(count * fraction), rng)
    background = _choice(np.flatnonzero(matched == 0), count - len(positive), rng)
    return np.concatenate([positive, background])


def _choice(index: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """All indices, or `count` of them at random."""
    return index if len(index) <= count else rng.choice(index, count, replace=False)
