"""Which samples an epoch visits, in which order."""

from __future__ import annotations

import numpy as np


def epoch_order(length: int, shuffle: bool, seed: int, epoch: int) -> np.ndarray:
    """(length,) int64 indices of one epoch; depends on the arguments alone.

    The generator is seeded like those of the samples, (seed, epoch, index), with an index that
    no sample has: numpy takes (seed, epoch) for the same as (seed, epoch, 0).

    >>> epoch_order(4, False, seed=0, epoch=3).tolist()
    [0, 1, 2, 3]
    """
    if not shuffle:
        return np.arange(length)
    return np.random.default_rng((seed, epoch, length)).permutation(length)


def sample_rng(seed: int, epoch: int, index: int) -> np.random.Generator:
    """The generator for all that is random about one sample in one epoch."""
    return np.random.default_rng((seed, epoch, index))
