"""Seeds of python's, numpy's and the engine's random generators."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from densefit import engine
from densefit.callbacks.callback import TrainState
from densefit.engine.engine import Engine


def seed_all(seed: int) -> None:
    """Seed python, numpy and the engine."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    engine.seed(seed)


def seed_update(learner: Engine, seed: int, state: TrainState) -> None:
    """Seed what the engine draws at random in the next update."""
    learner.seed(seed, state.epoch, state.batch + 1)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed all generators within the block; afterwards they go on as their owner's.

    Python's and numpy's generators stand as before. The engine's state cannot be read: it is
    seeded with a number drawn from it, so that what it gives next still follows from the owner's
    seed.
    """
    states = random.getstate(), np.random.get_state()
    drawn = engine.draw_seed()
    seed_all(seed)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        engine.seed(drawn)
