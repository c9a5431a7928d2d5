"""What a process has warned of already: a warning that comes with every epoch is not read."""

from __future__ import annotations

import logging
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


def warn_once(logger: logging.Logger, text: str, *values: object) -> None:
    """Warn of something, unless the process has warned of just that: a dataset is made twice.

    Args:
        logger: that warns.
        text: as `logger.warning` takes it.
        *values: for the text.
    """
    if first_time("warning", logger.name, text % values if values else text):
        logger.warning(text, *values, stacklevel=2)


def was_said(*key: Hashable) -> bool:
    """Whether `first_time` was asked for this already."""
    return key in _said


def forget() -> None:
    """Let everything be said again."""
    _said.clear()
