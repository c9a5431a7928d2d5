"""MXNet's random generator, whose state cannot be read: seeded, or a seed drawn from it."""

from __future__ import annotations

import numpy as np

from densefit.backend import mx


def seed(number: int) -> None:
    """Seed MXNet's generators on all devices."""
    mx.random.seed(number)


def seed_update(number: int, epoch: int, batch: int = 0) -> None:
    """Seed MXNet (dropout) for an epoch, or for one of its updates.

    A resume cannot continue a state that cannot be read; with a seed for each update it need not.
    Seeding takes a millisecond: networks that draw nothing are seeded for each epoch only.

    Args:
        number: the training's seed.
        epoch: number of the epoch.
        batch: number of the update in it, from 1; 0 for the epoch.
    """
    words = np.random.SeedSequence((number % 2**32, epoch, batch)).generate_state(1)
    mx.random.seed(int(words[0] >> 1))


def draw_seed() -> int:
    """Draw a seed, so that what MXNet gives next still follows from its owner's seed."""
    return int(mx.nd.random.randint(0, 2**31 - 1, shape=(1,)).asscalar())
