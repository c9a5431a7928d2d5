"""The process of the launcher, without which its ranks end."""

from __future__ import annotations

import os


class LauncherProcess:
    """Find out when the launcher has died, also if a shell script stands between it and the rank.

    Args:
        number: process id; 0 for none.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._is_parent = number == os.getppid()
        #: Whether it can be followed: not in a container with process ids of its own, for example.
        self._is_followed = number != 0 and (self._is_parent or _exists(number))

    def has_died(self) -> bool:
        """Return whether it has ended."""
        if not self._is_followed:
            return False
        return os.getppid() != self._number if self._is_parent else not _exists(self._number)


def _exists(number: int) -> bool:
    """Whether there is such a process; False where asking would end it (Windows)."""
    if os.name != "posix":
        return False
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        pass
    return True
