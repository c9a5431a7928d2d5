"""State of Python's and numpy's global random generators, for checkpoints."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from densefit.errors import CheckpointError


def rng_state() -> dict[str, Any]:
    """Return the state of Python's and numpy's generators as JSON. (MXNet's cannot be read.)"""
    version, numbers, gauss = random.getstate()
    kind, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
    return {
        "python": [version, list(numbers), gauss],
        "numpy": [kind, np.asarray(keys).tolist(), position, has_gauss, cached],
    }


def set_rng_state(state: Mapping[str, Any]) -> None:
    """Restore the state that `rng_state` returned.

    Raises:
        CheckpointError: the state is invalid.
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
