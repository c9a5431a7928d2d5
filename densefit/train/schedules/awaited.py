"""A schedule whose training's length becomes known later."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from densefit.duration import Duration
from densefit.errors import ConfigError
from densefit.train.schedules.schedule import Resolved, Schedule
from densefit.train.schedules.warmup import WarmedUp

_log = logging.getLogger("densefit")

_FAR = 10**12  # updates: what is a part of so many has not begun to change


class Awaited(Resolved):
    """The rate of a schedule until the length of an epoch is known, and from then on.

    Until then a warm-up given in updates runs, and the rate otherwise holds its first value. A
    warm-up given in epochs or percent cannot begin: the rate holds `warmup_start`, or a tenth of
    the full rate.

    Args:
        schedule: any.
        updates: of the whole training, if that is given in updates.

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
        self._held = _held(schedule) if self.provisional else None
        super().__init__(self._now, self._now.total, self._now.moments)

    def learn(self, total: int, updates_per_epoch: int) -> None:
        """Go on with the schedule of a training of this length.

        Raises:
            ConfigError: it does not fit (a warm-up longer than the training, say).
        """
        state = self._now.state_dict()
        self._lengths = total, updates_per_epoch
        self._now, self._held = self._schedule.resolve(total, updates_per_epoch), None
        self._now.load_state_dict(state)
        self.total, self.moments, self.provisional = total, self._now.moments, False

    def __call__(self, t: int) -> float:
        """The rate of update `t`, from 0."""
        return self._now(t) if self._held is None else self._held

    def observe(self, scores: Mapping[str, float]) -> None:
        """Take in a validation's scores."""
        self._now.observe(scores)

    def state_dict(self) -> dict[str, Any]:
        """What a resume needs: the lengths, once they are known."""
        return {"lengths": list(self._lengths or ()), "schedule": self._now.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` gave."""
        if state.get("lengths"):
            total, updates_per_epoch = state["lengths"]
            self.learn(int(total), int(updates_per_epoch))
        self._now.load_state_dict(state.get("schedule", state))

    def forget_scores(self) -> None:
        """Forget the best score so far."""
        self._now.forget_scores()


def _held(schedule: Schedule) -> float | None:
    """The rate that is held because a warm-up cannot begin; None if there is no such warm-up."""
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
