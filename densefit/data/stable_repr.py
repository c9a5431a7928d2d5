"""Settings of an object as a text that is the same in the next process."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_DEPTH = 3


def stable_repr(thing: Any, depth: int = _DEPTH, as_before: bool = False) -> str:
    """What `thing` is, by its kind and public settings, without addresses in memory.

    >>> described(0.5), described({"b": 2, "a": 1}), described(len)
    ('0.5', '{a: 1, b: 2}', 'builtins.len')

    Args:
        thing: anything; of a class with `described_by`, which changes nothing that matters, the
            attribute of that name.
        depth: of objects within objects that are looked into.
        as_before: the text that a checkpoint of an earlier version has.
    """
    if thing is None or isinstance(thing, (bool, int, float, str, bytes)):
        return repr(thing)
    if isinstance(thing, Mapping):
        inside = sorted(
            (str(key), stable_repr(value, depth, as_before)) for key, value in thing.items()
        )
        return "{" + ", ".join(f"{key}: {value}" for key, value in inside) + "}"
    if isinstance(thing, (list, tuple, set, frozenset)):
        parts = [stable_repr(one, depth, as_before) for one in thing]
        return (
            "[" + ", ".join(sorted(parts) if isinstance(thing, (set, frozenset)) else parts) + "]"
        )
    if hasattr(thing, "__qualname__"):
        return f"{thing.__module__}.{thing.__qualname__}"
    kind = type(thing)
    inner = getattr(kind, "described_by", None)
    if inner is not None and not as_before:
        return stable_repr(getattr(thing, inner), depth)
    own = getattr(kind, "__repr__", None)
    text = "" if own is object.__repr__ else repr(thing)
    if text and " at 0x" not in text:
        return text
    # Its own text has settings that are not public; only what it holds is told by addresses.
    text = "" if as_before else re.sub(r" at 0x[0-9a-fA-F]+", "", text)
    held = stable_repr(public_settings(thing), depth - 1, as_before) if depth > 0 else ""
    return f"{text or kind.__qualname__}{held}"


def public_settings(thing: Any) -> dict[str, Any]:
    """Public attributes of an object, by the names that checkpoints hold.

    Args:
        thing: any object; its class may map renamed attributes to their former names as
            `first_names`.
    """
    first = getattr(type(thing), "first_names", {})
    attributes = getattr(thing, "__dict__", {})
    return {first.get(name, name): value for name, value in attributes.items() if name[0] != "_"}
