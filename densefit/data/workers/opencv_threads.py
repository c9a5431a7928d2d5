"""OpenCV's own threads, which rest while workers make samples.

Each worker decodes and resizes with one thread; OpenCV's pool would compete with the other workers
and with MXNet. OpenCV has one number of threads for the whole process, so it is put back to the
user's when the last workers end.
"""

from __future__ import annotations

import threading

import cv2

# With 1, as with 0, OpenCV computes in the thread that calls it. But 0 ends the process (SIGFPE) if
# another thread is computing with several at this moment: its pool divides by the number. (That the
# number changes under a computation is a race in OpenCV in any case, which is very rarely lost.)
RESTING = 1

_lock = threading.Lock()
_holders = 0
_users: int | None = None


def hold() -> None:
    """Let OpenCV compute in the thread that calls it, until `release` was called as often."""
    global _holders, _users
    with _lock:
        _holders += 1
        if _holders == 1:
            _users = cv2.getNumThreads()
        cv2.setNumThreads(RESTING)


def release() -> None:
    """Give OpenCV the number of threads back that it had, unless somebody changed it since."""
    global _holders, _users
    with _lock:
        _holders -= 1
        if _holders == 0 and _users is not None:
            if cv2.getNumThreads() == RESTING:
                cv2.setNumThreads(_users)
            _users = None
