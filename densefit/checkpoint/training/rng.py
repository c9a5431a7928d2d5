"""State of Python's and numpy's global random generators, for checkpoints."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from densefit.errors import CheckpointError


def rng_state() -> dict[str, Any]:
    """Python's and numpy's global generators, as JSON has it. (MXNet's cannot be read: seed it.)"""
    version, numbers, gauss = random.getstate()
    kind, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    return {
        "python": [version, list(numbers), gauss],
        "numpy": [kind, np.asarray(keys).tolist(), position, has_gauss, cached],
    }


def set_rng_state(state: Mapping[str, Any]) -> None:
    """Continue from what `rng_state` gave.

    Raises:
        CheckpointError: it is not what `rng_state` gives.
    """
    try:
        version, numbers, gauss = state["python"]
        kind, keys, position, has_gauss, cached = state["numpy"]
        random.setstate((version, tuple(numbers), gauss))
        np.random.set_state((kind, np.array(keys, np.uint32), position, has_gauss, cached))
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"The state of the random generators cannot be used: {error}",
            expected="what rng_state() gave",
        ) from error
