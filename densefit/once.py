"""Warnings that are logged once a process, so that they do not repeat every epoch."""

from __future__ import annotations

import logging
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

_MOST = 10_000  # keys to remember; later ones count as already logged
_said: set[tuple[Hashable, ...]] = set()
_lists: list[list[tuple[str, str]]] = []  # of those who collect warnings


def first_time(*key: Hashable) -> bool:
    """Return whether a key is new in this process, and remember it.

    >>> first_time("a file", "a.jpg"), first_time("a file", "a.jpg"), first_time("a file", "b.jpg")
    (True, False, True)

    Args:
        *key: identifies the message and its subject.
    """
    if key in _said or len(_said) >= _MOST:
        return False
    _said.add(key)
    return True


def warn_once(logger: logging.Logger, text: str, *values: object) -> None:
    """Log a warning, unless this process has logged the same text already.

    Args:
        logger: logger to use.
        text: format string, as in `logger.warning`.
        *values: arguments of the format string.
    """
    message = text % values if values else text
    for warnings in _lists:
        warnings.append((logger.name, message))
    if first_time("warning", logger.name, message):
        logger.warning(text, *values, stacklevel=2)


@contextmanager
def collected_warnings() -> Iterator[list[tuple[str, str]]]:
    """Collect (name of the logger, text) of each `warn_once`, also of texts logged before."""
    warnings: list[tuple[str, str]] = []
    _lists.append(warnings)
    try:
        yield warnings
    finally:
        _lists[:] = [entry for entry in _lists if entry is not warnings]


@contextmanager
def forgetting() -> Iterator[None]:
    """Forget afterwards what was logged in the block, so that it is logged again."""
    before = set(_said)
    try:
        yield
    finally:
        _said.clear()
        _said.update(before)


def was_said(*key: Hashable) -> bool:
    """Return whether `first_time` was already called with this key."""
    return key in _said


def forget() -> None:
    """Forget all keys."""
    _said.clear()
