"""Seeds of python's, numpy's and the engine's random generators."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from densefit import engine
from densefit.callbacks.callback import TrainState
from densefit.engine.engine import Engine


def seed_all(seed: int, engine_name: str | None = None) -> None:
    """Seed python, numpy and the engine, by default the one in use."""
    random.seed(seed)
    np.random.seed(seed % 2**32)
    engine.seed(seed, engine_name)


def seed_update(learner: Engine, seed: int, state: TrainState) -> None:
    """Seed the engine's random numbers of the next update."""
    learner.seed(seed, state.epoch, state.batch + 1)


@contextmanager
def seeded(seed: int, engine_name: str | None = None) -> Iterator[None]:
    """Seed all generators within the block, and restore them afterwards.

    Python's and numpy's states are restored. The engine's state cannot be read: it is seeded
    again with a number drawn from it, so that later draws still follow from the caller's seed.
    """
    states = random.getstate(), np.random.get_state()
    drawn = engine.draw_seed(engine_name)
    seed_all(seed, engine_name)
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        engine.seed(drawn, engine_name)
