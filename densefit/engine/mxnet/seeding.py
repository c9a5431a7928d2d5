"""Seed MXNet's random generator, or draw a seed from it; its state cannot be read."""

from __future__ import annotations

import numpy as np

from densefit.backend import mx


def seed(number: int) -> None:
    """Seed MXNet's generators on all devices."""
    mx.random.seed(number)


def seed_update(number: int, epoch: int, batch: int = 0) -> None:
    """Seed MXNet (dropout) for an epoch, or for one of its updates.

    The generator's state cannot be saved, so each update is seeded to make a resume exact. Seeding
    takes a millisecond: networks without random operators are seeded for each epoch only.

    Args:
        number: seed of the training.
        epoch: number of the epoch.
        batch: number of the update in the epoch, from 1; 0 for the epoch.
    """
    words = np.random.SeedSequence((number % 2**32, epoch, batch)).generate_state(1)
    mx.random.seed(int(words[0] >> 1))


def draw_seed() -> int:
    """Draw a seed, so that MXNet's random numbers still depend on the user's seed."""
    return int(mx.nd.random.randint(0, 2**31 - 1, shape=(1,)).asscalar())
