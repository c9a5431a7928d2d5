"""Seed of an engine's random numbers in an update."""

from __future__ import annotations

import numpy as np


def update_seed(number: int, epoch: int, batch: int = 0) -> int:
    """Seed for an epoch, or for one of its updates, so that a resume draws the same numbers.

    Args:
        number: seed of the training.
        epoch: number of the epoch.
        batch: number of the update in the epoch, from 1; 0 for the epoch.
    """
    words = np.random.SeedSequence((number % 2**32, epoch, batch)).generate_state(1)
    return int(words[0] >> 1)
