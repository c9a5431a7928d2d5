"""Seeds of python's, numpy's and MXNet's random generators."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from densefit.backend import mx
from densefit.callbacks.callback import TrainState


def seed_all(seed: int) -> None:
    """Seed python, numpy and MXNet."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    mx.random.seed(seed)


def seed_mxnet(seed: int, epoch: int, batch: int = 0) -> None:
    """Seed MXNet's own randomness (dropout) for an update, or for an epoch.

    Its state cannot be read, so a resume could not continue it; seeded anew, it need not be. That
    takes a millisecond: networks that draw nothing at random are seeded for each epoch only.
    """
    words = np.random.SeedSequence((seed % 2**32, epoch, batch)).generate_state(1)
    mx.random.seed(int(words[0] >> 1))


def seed_update(learner: Any, seed: int, state: TrainState) -> None:
    """Seed what MXNet draws at random in the next update, where it draws anything."""
    if learner.random:
        seed_mxnet(seed, state.epoch, state.batch + 1)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed python, numpy and MXNet within the block; afterwards they go on as their owner's.

    Python's and numpy's generators stand as before. MXNet's state cannot be read: it is seeded
    with a number drawn of it, so that what it gives next still follows from the owner's seed.
    """
    states = random.getstate(), np.random.get_state()
    drawn = int(mx.nd.random.randint(0, 2**31 - 1, shape=(1,)).asscalar())
    seed_all(seed)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        mx.random.seed(drawn)
