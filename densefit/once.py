"""What a process has warned of already: a warning that comes with every epoch is not read."""

from __future__ import annotations

from collections.abc import Hashable

_MOST = 10_000  # what comes after so many is as if it had been told
_said: set[tuple[Hashable, ...]] = set()


def first_time(*key: Hashable) -> bool:
    """Whether this has not been said in this process; from then on it has.

    >>> first_time("a file", "a.jpg"), first_time("a file", "a.jpg"), first_time("a file", "b.jpg")
    (True, False, True)

    Args:
        *key: what is said, and of what.
    """
    if key in _said or len(_said) >= _MOST:
        return False
    _said.add(key)
    return True


def was_said(*key: Hashable) -> bool:
    """Whether `first_time` was asked for this already."""
    return key in _said


def forget() -> None:
    """Let everything be said again."""
    _said.clear()
