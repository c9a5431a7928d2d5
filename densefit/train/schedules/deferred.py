"""Schedule of a training of unknown length."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from densefit.duration import Duration
from densefit.errors import ConfigError
from densefit.train.schedules.schedule import Resolved, Schedule
from densefit.train.schedules.warmup import WarmedUp

_log = logging.getLogger("densefit")

_FAR = 10**12  # updates: so many that the rate does not change within the first epoch


class Deferred(Resolved):
    """Rate of a schedule before and after the length of an epoch is known.

    Before, a warm-up in updates runs, and the rate otherwise stays at its first value. A warm-up in
    epochs or percent cannot start: the rate stays at `warmup_start`, or at a tenth of the full
    rate.

    Args:
        schedule: any schedule.
        updates: number of updates of the training, if its length is in updates.

    Raises:
        ConfigError: the schedule's settings do not fit.
    """

    def __init__(self, schedule: Schedule, updates: int | None = None) -> None:
        self._schedule, self._updates = schedule, updates
        self._lengths: tuple[int, int] | None = None
        try:
            self._now = schedule.resolve(updates, None)
            self.provisional = False
        except ConfigError:
            self._now = schedule.resolve(updates or 1000 * _FAR, _FAR)
            self.provisional = True
        self._fixed = _fixed_rate(schedule) if self.provisional else None
        super().__init__(self._now, self._now.total, self._now.moments)

    def set_length(self, total: int, updates_per_epoch: int) -> None:
        """Resolve the schedule for a training of this length.

        Raises:
            ConfigError: the schedule does not fit, e.g. its warm-up is longer than the training.
        """
        state = self._now.state_dict()
        self._lengths = total, updates_per_epoch
        self._now, self._fixed = self._schedule.resolve(total, updates_per_epoch), None
        self._now.load_state_dict(state)
        self.total, self.moments, self.provisional = total, self._now.moments, False

    def __call__(self, t: int) -> float:
        """Return the rate of update `t`, from 0."""
        return self._now(t) if self._fixed is None else self._fixed

    def observe(self, scores: Mapping[str, float]) -> None:
        """Update the schedule by a validation's scores."""
        self._now.observe(scores)

    def state_dict(self) -> dict[str, Any]:
        """Return the lengths, if known, and the state of the schedule."""
        return {"lengths": list(self._lengths or ()), "schedule": self._now.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        if state.get("lengths"):
            total, updates_per_epoch = state["lengths"]
            self.set_length(int(total), int(updates_per_epoch))
        self._now.load_state_dict(state.get("schedule", state))

    def forget_scores(self) -> None:
        """Forget the best score so far."""
        self._now.forget_scores()


def _fixed_rate(schedule: Schedule) -> float | None:
    """Return the constant rate until a warm-up can start; None if there is no such warm-up."""
    if not isinstance(schedule, WarmedUp) or not schedule._warms_up:
        return None
    if Duration.parse(schedule.warmup).unit == "st":
        return None
    rate = schedule.warmup_start or 0.1 * schedule.lr
    _log.warning(
        "%s: the warm-up is %s, and how many updates an epoch has is not known before the first "
        "has passed: it trains at %g. A warm-up in updates ('500st') runs from the beginning, and "
        "so does this one with fit(..., updates_per_epoch=...)",
        schedule,
        schedule.warmup,
        rate,
    )
    return rate
