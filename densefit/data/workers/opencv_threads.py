"""Turn off OpenCV's thread pool while workers load samples.

Each worker decodes and resizes with one thread; OpenCV's pool would compete with the other workers
and with MXNet. OpenCV has one number of threads for the whole process, so the user's is restored
when the last workers stop.
"""

from __future__ import annotations

import threading

import cv2

# With 1, as with 0, OpenCV computes in the thread that calls it. But 0 ends the process (SIGFPE) if
# another thread is computing with several at this moment: its pool divides by the number. (That the
# number changes under a computation is a race in OpenCV in any case, which is very rarely lost.)
SINGLE = 1

_lock = threading.Lock()
_holders = 0
_users: int | None = None


def hold() -> None:
    """Let OpenCV compute in the calling thread, until `release` has been called as often."""
    global _holders, _users
    with _lock:
        _holders += 1
        if _holders == 1:
            _users = cv2.getNumThreads()
        cv2.setNumThreads(SINGLE)


def release() -> None:
    """Restore OpenCV's number of threads, unless somebody changed it since."""
    global _holders, _users
    with _lock:
        _holders -= 1
        if _holders == 0 and _users is not None:
            if cv2.getNumThreads() == SINGLE:
                cv2.setNumThreads(_users)
            _users = None
