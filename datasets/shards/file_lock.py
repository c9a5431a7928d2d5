"""Locks on open files, which the system releases when a process dies."""

from __future__ import annotations

import importlib
from typing import Any

try:
    _fcntl: Any = importlib.import_module("fcntl")
except ImportError:  # Windows, where an open file cannot be removed
    _fcntl = None


def try_lock(descriptor: int, exclusive: bool) -> bool:
    """Lock an open file; False if another descriptor has a lock that excludes it."""
    if _fcntl is None:
        return True
    mode = _fcntl.LOCK_EX if exclusive else _fcntl.LOCK_SH
    try:
        _fcntl.flock(descriptor, mode | _fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def wait_for_lock(descriptor: int, exclusive: bool) -> None:
    """Lock an open file as soon as no other descriptor has a lock that excludes it."""
    if _fcntl is not None:
        _fcntl.flock(descriptor, _fcntl.LOCK_EX if exclusive else _fcntl.LOCK_SH)
