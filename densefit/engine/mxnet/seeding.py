"""Seed MXNet's random generator, or draw a seed from it; its state cannot be read."""

from __future__ import annotations

from densefit.backend import mx
from densefit.engine.training.seeding import update_seed


def seed(number: int) -> None:
    """Seed MXNet's generators on all devices."""
    mx.random.seed(number)


def seed_update(number: int, epoch: int, batch: int = 0) -> None:
    """Seed MXNet (dropout) for an epoch, or for one of its updates.

    The generator's state cannot be saved, so each update is seeded to make a resume exact. Seeding
    takes a millisecond: networks without random operators are seeded for each epoch only.
    """
    mx.random.seed(update_seed(number, epoch, batch))


def draw_seed() -> int:
    """Draw a seed, so that MXNet's random numbers still depend on the user's seed."""
    return int(mx.nd.random.randint(0, 2**31 - 1, shape=(1,)).asscalar())
