"""Names of layers that a program does not name, and attributes of a block of code."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

_current = threading.local()


class NameManager:
    """Number unnamed layers by kind: `convolution0`, `convolution1`.

    >>> with NameManager() as names:
    ...     names.get(None, "pool"), names.get("stem", "pool"), names.get(None, "pool")
    ('pool0', 'stem', 'pool1')
    """

    def __init__(self) -> None:
        self._counter: dict[str, int] = {}
        self._outer: NameManager | None = None

    def get(self, name: str | None, hint: str) -> str:
        """Return `name`, or a new name.

        Args:
            name: name in the program, or None.
            hint: kind of layer.
        """
        if name:
            return name
        number = self._counter.get(hint, 0)
        self._counter[hint] = number + 1
        return f"{hint}{number}"

    def __enter__(self) -> NameManager:
        self._outer = name_manager()
        _current.names = self
        return self

    def __exit__(self, *error: Any) -> None:
        _current.names = self._outer


class Prefix(NameManager):
    """Put a prefix before all names.

    Args:
        prefix: e.g. "head_".
    """

    def __init__(self, prefix: str) -> None:
        super().__init__()
        self._prefix = prefix

    def get(self, name: str | None, hint: str) -> str:
        """Return the prefix and `name`, or a new name."""
        return self._prefix + super().get(name, hint)


class AttrScope:
    """Attributes of every node that is made in a `with` block.

    Args:
        attributes: name -> text.

    Raises:
        ValueError: a value is not text.
    """

    def __init__(self, **attributes: str) -> None:
        if not all(isinstance(value, str) for value in attributes.values()):
            raise ValueError("Attributes need to be string")
        self._attr = attributes
        self._outer: AttrScope | None = None

    def get(self, attr: Mapping[str, str] | None) -> dict[str, str]:
        """Return the scope's attributes, updated by those of a node."""
        return {**self._attr, **(attr or {})}

    def __enter__(self) -> AttrScope:
        self._outer = attribute_scope()
        self._attr = {**self._outer._attr, **self._attr}
        _current.attributes = self
        return self

    def __exit__(self, *error: Any) -> None:
        _current.attributes = self._outer


def name_manager() -> NameManager:
    """The NameManager of the thread."""
    if not hasattr(_current, "names"):
        _current.names = NameManager()
    names: NameManager = _current.names
    return names


def attribute_scope() -> AttrScope:
    """The AttrScope of the thread."""
    if not hasattr(_current, "attributes"):
        _current.attributes = AttrScope()
    scope: AttrScope = _current.attributes
    return scope
