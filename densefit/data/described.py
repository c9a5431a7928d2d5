"""Settings of an object as a text that is the same in the next process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_DEPTH = 3


def described(thing: Any, depth: int = _DEPTH) -> str:
    """What `thing` is, by its kind and public settings, without addresses in memory.

    >>> described(0.5), described({"b": 2, "a": 1}), described(len)
    ('0.5', '{a: 1, b: 2}', 'builtins.len')

    Args:
        thing: anything.
        depth: of objects within objects that are looked into.
    """
    if thing is None or isinstance(thing, (bool, int, float, str, bytes)):
        return repr(thing)
    if isinstance(thing, Mapping):
        inside = sorted((str(key), described(value, depth)) for key, value in thing.items())
        return "{" + ", ".join(f"{key}: {value}" for key, value in inside) + "}"
    if isinstance(thing, (list, tuple, set, frozenset)):
        parts = [described(one, depth) for one in thing]
        return (
            "[" + ", ".join(sorted(parts) if isinstance(thing, (set, frozenset)) else parts) + "]"
        )
    if hasattr(thing, "__qualname__"):
        return f"{thing.__module__}.{thing.__qualname__}"
    kind = type(thing)
    own = getattr(kind, "__repr__", None)
    if own is not object.__repr__ and " at 0x" not in repr(thing):
        return repr(thing)
    settings = {
        name: value for name, value in getattr(thing, "__dict__", {}).items() if name[0] != "_"
    }
    return f"{kind.__qualname__}{described(settings, depth - 1) if depth > 0 else ''}"
