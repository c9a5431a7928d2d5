"""Seeds for what stands beside a training, and leaves the random generators to their owner."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from densefit.backend import mx
from densefit.train.setup import seed_all


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
