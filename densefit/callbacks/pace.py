"""Pace of a training: samples per second, share of time waiting for data, and the time left."""

from __future__ import annotations

import math

from densefit.callbacks.clock import Clock

TRAINING = ("data", "copy", "forward", "metric", "backward", "update")  # phases of the clock


class Speed:
    """Samples per second since the last reading; validation and saving do not count."""

    def __init__(self) -> None:
        self._samples, self._seconds = 0, 0.0

    def start(self, samples: int, now: float) -> None:
        """Measure from second `now`, when `samples` are done."""
        self._samples, self._seconds = samples, now

    def read(self, samples: int, now: float) -> float:
        """Return the speed since `start` or the last reading; nan if no time has passed."""
        seconds = now - self._seconds
        done = samples - self._samples
        self.start(samples, now)
        return done / seconds if seconds > 0 else math.nan


class Waiting:
    """Share of the training's time that waits for data, from `start` on."""

    def __init__(self) -> None:
        self._waited = self._trained = 0.0

    def start(self, clock: Clock) -> None:
        """Measure from now on."""
        self._waited = clock.seconds["data"]
        self._trained = sum(clock.seconds[phase] for phase in TRAINING)

    def read(self, clock: Clock) -> float:
        """Return the share since `start`, 0 to 1; nan if no time was charged."""
        seconds = sum(clock.seconds[phase] for phase in TRAINING) - self._trained
        return (clock.seconds["data"] - self._waited) / seconds if seconds > 0 else math.nan


def duration(seconds: float) -> str:
    """Format seconds as h:mm:ss or m:ss.

    >>> duration(59.6), duration(3661)
    ('1:00', '1:01:01')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
