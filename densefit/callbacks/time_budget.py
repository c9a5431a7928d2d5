"""Stop training when its wall-clock time is spent."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from typing import Any, TypeAlias

from densefit.callbacks.callback import Callback, Control, TrainState, callbacks
from densefit.callbacks.pace import duration
from densefit.errors import ConfigError

TimeLike: TypeAlias = float | str

_UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_PATTERN = re.compile(r"(?:(\d+(?:\.\d+)?|\.\d+)([dhms]))+")


@callbacks.register("time_budget")
class TimeBudget(Callback):
    """Ends training when its wall-clock time is spent; it is then validated and saved as always.

    Time counts training with its validations and saves, over resumes too. A training that is
    resumed with its budget spent ends at once. The time is checked after each update and each
    validation, so a training exceeds it by one update and its final validation and save at most.

    Args:
        budget: "30m", "2h", "1h30m", "1.5d" or seconds.
        reserve: part of the budget kept for the final validation and save, likewise.
        each_start: give each resume the whole budget, e.g. for the limit of a queue's jobs.
        clock: returns the time in seconds.

    Raises:
        ConfigError: no durations, or nothing is left beside the reserve.
    """

    def __init__(
        self,
        budget: TimeLike,
        reserve: TimeLike = 0.0,
        each_start: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.budget = parse_time(budget, "TimeBudget(budget=...)")
        self.reserve = parse_time(reserve, "TimeBudget(reserve=...)")
        if not self.budget > self.reserve:
            raise ConfigError(
                "A time budget leaves no time to train",
                expected="a budget above 0 and above its reserve",
                received=f"budget={budget!r}, reserve={reserve!r}",
                where="TimeBudget",
            )
        self.each_start = each_start
        self._clock = clock
        self._started: float | None = None
        self._before = 0.0

    def reset(self) -> None:
        """Count from 0."""
        self._started, self._before = None, 0.0

    def fit_started(self, state: TrainState, control: Control) -> None:
        """Begin to count, from the time that a resumed training has taken already."""
        before = 0.0 if self.each_start else max(state.seconds, self._before)
        self._started = self._clock() - before
        self._check(control)

    def update_ended(self, state: TrainState, control: Control) -> None:
        """Stop if the time is up."""
        self._check(control)

    def validated(self, state: TrainState, control: Control) -> None:
        """Stop if the time is up, so that no validation is made twice."""
        self._check(control)

    def state_dict(self) -> dict[str, Any]:
        """Return the seconds so far; `TrainState.seconds` is older by the last validation."""
        return {"seconds": self._spent()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the seconds so far."""
        self._before = state["seconds"]

    def _spent(self) -> float:
        return self._before if self._started is None else self._clock() - self._started

    def _check(self, control: Control) -> None:
        spent = self._spent()
        if spent < self.budget - self.reserve or control.stop_reason is not None:
            return
        reserved = (
            f", {duration(self.reserve)} of which are kept for the end," if self.reserve else ""
        )
        control.stop(
            f"the time budget of {duration(self.budget)}{reserved} is spent ({duration(spent)})"
        )


def parse_time(duration: TimeLike, where: str | None = None) -> float:
    """Convert a duration to seconds.

    >>> parse_time("1h30m"), parse_time("90s"), parse_time(45)
    (5400.0, 90.0, 45.0)

    Args:
        duration: numbers with the units d, h, m and s; a number alone is seconds.
        where: name of the setting, for the error message.

    Raises:
        ConfigError: an invalid or negative duration.
    """
    seconds = math.nan
    if isinstance(duration, str):
        text = duration.strip().replace(" ", "").lower()
        if _PATTERN.fullmatch(text):
            parts = re.findall(r"([\d.]+)([dhms])", text)
            seconds = sum(float(number) * _UNITS[unit] for number, unit in parts)
        elif re.fullmatch(r"\d+(\.\d+)?|\.\d+", text):
            seconds = float(text)
    elif isinstance(duration, (int, float)) and not isinstance(duration, bool):
        seconds = float(duration)
    if not 0 <= seconds < math.inf:
        raise ConfigError(
            "This is not a time",
            expected="'30m', '2h', '1h30m', '90s', '1.5d', or a number of seconds",
            received=repr(duration),
            where=where,
        )
    return seconds
