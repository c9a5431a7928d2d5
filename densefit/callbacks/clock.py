"""Wall seconds of a training by phase."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType

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
    """Charge wall time to phases: `with clock("forward"): ...`.

    A phase that begins inside another one interrupts it: each moment is charged once.

    MXNet computes asynchronously, so a phase is charged with its waiting time: `data` is waiting
    for a batch, and `copy` collating the next one meanwhile; `forward` ends when the losses are
    computed; the backward pass continues while metrics are updated, and `backward` is the
    remaining wait for it; the next forward pass waits for the end of the update, unless times are
    `exact`.

    >>> clock = Clock()
    >>> with clock("forward"):
    ...     with clock("copy"):
    ...         pass
    >>> [phase for phase, seconds in clock.seconds.items() if seconds > 0]
    ['copy', 'forward']

    Attributes:
        seconds: seconds of this process by phase.
        updates: number of updates.
        exact: whether the loop waits for the device at the end of each update, so that each phase
            is charged with its own time. Nothing then runs in parallel, so training is slower.
    """

    def __init__(self, now: Callable[[], float] = time.perf_counter) -> None:
        self.seconds = dict.fromkeys(PHASES, 0.0)
        self.updates = 0
        self.exact = False
        self._now = now
        self._phases = {name: _Phase(self, name) for name in PHASES}
        self._running: list[str] = []  # phases; the last one is charged
        self._charged = 0.0  # when time was charged last
        self._elapsed = now()

    def __call__(self, phase: str) -> _Phase:
        """Return the context whose time is charged to a phase."""
        return self._phases[phase]

    def elapsed(self) -> float:
        """Return the wall seconds since the last call, or since the clock was made."""
        before, self._elapsed = self._elapsed, self._now()
        return self._elapsed - before

    def switch(self, phase: str = "") -> None:
        """Charge the time until now to the running phase, and begin one inside it, or end it."""
        now, running = self._now(), self._running
        if running:
            self.seconds[running[-1]] += now - self._charged
        self._charged = now
        if phase:
            running.append(phase)
        else:
            running.pop()


class _Phase:
    """The context of one phase of a clock; may be entered any number of times."""

    def __init__(self, clock: Clock, name: str) -> None:
        self._clock, self._name = clock, name

    def __enter__(self) -> None:
        self._clock.switch(self._name)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._clock.switch()
