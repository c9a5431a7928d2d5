"""Settings of an object that are not the usual ones, for its repr."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from densefit.data.stable_repr import stable_repr


def unusual(kind: type, given: Mapping[str, Any], but: Collection[str] = ()) -> str:
    """Arguments of a class that are not its defaults, as they follow others in a repr.

    What decides which samples a dataset gives must be in its repr: caches and resumes tell by it
    whether it is still the same.

    >>> class Letters:
    ...     def __init__(self, root, upper=False, count=26): ...
    >>> unusual(Letters, {"root": "a", "upper": True, "count": 26}, but=["root"])
    ', upper=True'

    Args:
        kind: the class.
        given: the arguments by name, and whatever else (`locals()`, at the start of `__init__`).
        but: those that are shown anyway, or change nothing.
    """
    shown = []
    for name, parameter in inspect.signature(kind).parameters.items():
        text = _text(given[name])
        if name not in but and text != _text(parameter.default):
            shown.append(f", {name}={text}")
    return "".join(shown)


def _text(value: Any) -> str:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    return repr(str(value)) if isinstance(value, Path) else stable_repr(value)
