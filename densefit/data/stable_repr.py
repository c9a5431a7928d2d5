"""A repr of an object that is the same in every process."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_DEPTH = 3


def stable_repr(value: Any, depth: int = _DEPTH, as_before: bool = False) -> str:
    """Describe an object by its class and public settings, without memory addresses.

    >>> stable_repr(0.5), stable_repr({"b": 2, "a": 1}), stable_repr(len)
    ('0.5', '{a: 1, b: 2}', 'builtins.len')

    Args:
        value: any object. A wrapper class without effect on samples may name the attribute that
            is described in its place as `described_by`.
        depth: levels of nested objects that are described.
        as_before: return the text that checkpoints of earlier versions hold.
    """
    if value is None or isinstance(value, (bool, int, float, str, bytes)):
        return repr(value)
    if isinstance(value, Mapping):
        items = sorted(
            (str(key), stable_repr(item, depth, as_before)) for key, item in value.items()
        )
        return "{" + ", ".join(f"{key}: {item}" for key, item in items) + "}"
    if isinstance(value, (list, tuple, set, frozenset)):
        parts = [stable_repr(item, depth, as_before) for item in value]
        return (
            "[" + ", ".join(sorted(parts) if isinstance(value, (set, frozenset)) else parts) + "]"
        )
    if hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    kind = type(value)
    inner = getattr(kind, "described_by", None)
    if inner is not None and not as_before:
        return stable_repr(getattr(value, inner), depth)
    class_repr = getattr(kind, "__repr__", None)
    text = "" if class_repr is object.__repr__ else repr(value)
    if text and " at 0x" not in text:
        return text
    # The repr may show private settings; only nested objects appear by their addresses.
    text = "" if as_before else re.sub(r" at 0x[0-9a-fA-F]+", "", text)
    settings = stable_repr(public_settings(value), depth - 1, as_before) if depth > 0 else ""
    return f"{text or kind.__qualname__}{settings}"


def public_settings(value: Any) -> dict[str, Any]:
    """Public attributes of an object, by the names that checkpoints hold.

    Args:
        value: any object; its class may map renamed attributes to their former names as
            `first_names`.
    """
    first = getattr(type(value), "first_names", {})
    attributes = getattr(value, "__dict__", {})
    return {first.get(name, name): item for name, item in attributes.items() if name[0] != "_"}
