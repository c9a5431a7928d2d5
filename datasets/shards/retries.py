"""Try again what a remote storage refused, which is logged."""

from __future__ import annotations

import errno
import logging
import time
from collections.abc import Callable
from typing import TypeVar

PAUSES = (0.2, 1.0)  # seconds before the second and third try
_FINAL = (FileNotFoundError, PermissionError, NotImplementedError)
_FULL = (errno.ENOSPC, errno.EDQUOT)
_log = logging.getLogger("densefit")
_Value = TypeVar("_Value")


def retried(call: Callable[[], _Value], where: str) -> _Value:
    """Return `call()`, which is tried three times.

    Args:
        call: reads from a remote storage.
        where: address, for warnings.

    Raises:
        Exception: of the last try, or one that another try cannot mend.
    """
    for number, pause in enumerate(PAUSES, 1):
        try:
            return call()
        except Exception as error:  # each kind of storage has its own
            if isinstance(error, _FINAL) or is_full(error):
                raise
            reason = " ".join(str(error).split())
            _log.warning(
                "%s could not be read (try %d of %d), and is read again: %s: %s",
                *(where, number, len(PAUSES) + 1, type(error).__name__, reason),
            )
            time.sleep(pause)
    return call()


def is_full(error: Exception) -> bool:
    """Whether an error says that the disk is full."""
    return isinstance(error, OSError) and error.errno in _FULL
