"""Where the time of a training goes: wall seconds by phase."""

from __future__ import annotations

import time
from collections.abc import Callable

PHASES = (
    "data",
    "copy",
    "forward",
    "metric",
    "backward",
    "update",
    "callback",
    "validation",
    "checkpoint",
)


class Clock:
    """Gives all time to phases: each `lap` gives what has passed since the last one to its phase.

    MXNet computes while Python goes on, so a phase is charged with what is waited for in it:
    `data` is waiting for a batch, and `copy` putting the next one together meanwhile; `forward`
    ends when the losses are there; the backward pass runs on while metrics are told, and
    `backward` is what is waited for it after that; the update's end is waited for by the next
    forward pass, unless times are `exact`.

    Attributes:
        seconds: by phase, of this process.
        updates: made meanwhile.
        exact: whether the loop waits for the device at the end of each phase, so that each is
            charged with its own time. Costs what ran side by side before.
    """

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self._now = now
        self.seconds = dict.fromkeys(PHASES, 0.0)
        self.updates = 0
        self.exact = False
        self._last = now()

    def start(self) -> None:
        """Give what has passed since the last lap to nobody."""
        self._last = self._now()

    def lap(self, phase: str) -> None:
        """Give what has passed since the last lap to a phase."""
        now = self._now()
        self.seconds[phase] += now - self._last
        self._last = now
