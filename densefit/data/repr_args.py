"""Arguments that differ from their defaults, for reprs."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from densefit.data.stable_repr import stable_repr


def unusual(kind: type, arguments: Mapping[str, Any], but: Collection[str] = ()) -> str:
    """Arguments of a class that differ from their defaults, as the end of a repr's list.

    All that decides which samples a dataset returns must be in its repr: caches and resumed
    trainings compare it.

    >>> class Letters:
    ...     def __init__(self, root, upper=False, count=26): ...
    >>> unusual(Letters, {"root": "a", "upper": True, "count": 26}, but=["root"])
    ', upper=True'

    Args:
        kind: the class.
        arguments: arguments by name; other items are ignored (`locals()`, at the start of
            `__init__`).
        but: names of arguments that are shown anyway, or have no effect.
    """
    texts = []
    for name, parameter in inspect.signature(kind).parameters.items():
        text = _text(arguments[name])
        if name not in but and text != _text(parameter.default):
            texts.append(f", {name}={text}")
    return "".join(texts)


def _text(value: Any) -> str:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    return repr(str(value)) if isinstance(value, Path) else stable_repr(value)
