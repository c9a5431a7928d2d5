"""Initial values of parameters, from the seed and the name of each alone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

_ENDS = {"bias": 0.0, "gamma": 1.0, "beta": 0.0, "mean": 0.0, "var": 1.0, "min": 0.0, "max": 1.0}


def initial_value(
    name: str, shape: Sequence[int], seed: int, initializer: Any, attrs: Mapping[str, str]
) -> np.ndarray:
    """Draw the initial value of a parameter.

    Args:
        name: name of the parameter.
        shape: its shape.
        seed: seed of the initial values.
        initializer: initializer of the network; None for He's.
        attrs: attributes of the variable.
    """
    words = np.frombuffer(hashlib.sha256(name.encode()).digest(), "<u4").tolist()
    rng = np.random.default_rng(np.random.SeedSequence([seed % 2**32, *words]))
    kind, settings = json.loads(attrs["__init__"]) if attrs.get("__init__") else ("", {})
    if kind in ("zero", "zeros", "one", "ones", "constant"):
        value = {"z": 0.0, "o": 1.0}.get(kind[0], settings.get("value"))
        return np.full(shape, value, np.float32)
    if kind == "normal":
        return rng.normal(0, settings.get("sigma", 0.01), shape).astype(np.float32)
    for end, number in _ENDS.items():
        if name.endswith(end) and not kind:
            return np.full(shape, number, np.float32)
    fan = shape[1] if len(shape) == 2 else shape[0] * prod(shape[2:])
    return rng.normal(0, (2 / fan) ** 0.5, shape).astype(np.float32)
