"""Interface of schedules, and their resolved form for a known length of training."""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, TypeAlias

from densefit.duration import Duration, DurationLike
from densefit.errors import ConfigError
from densefit.numeric import is_real
from densefit.registry import Registry

Rate: TypeAlias = Callable[[int], float]
Moment: TypeAlias = "tuple[int, str]"


@dataclass(frozen=True)
class Plan:
    """The training that a schedule is resolved for.

    Attributes:
        total: updates of the whole training; None if not known.
        updates_per_epoch: None if not known.
        warmup: updates of the warm-up.
    """

    total: int | None
    updates_per_epoch: int | None
    warmup: int = 0

    def updates(self, duration: DurationLike, where: str | None = None) -> int:
        """Convert a duration to updates; ConfigError, naming `where`, if a length is not known."""
        return Duration.parse(duration, where).resolve(self.updates_per_epoch, self.total, where)


class Resolved:
    """A schedule whose durations are known in updates: a function of the number of updates.

    Most schedules have no state: `observe` and the state methods do nothing.

    Args:
        rate: number of updates done (0 to `total`) -> rate.
        total: updates of the training; None if not known.
        moments: (update, event) to mark on a plot, in order; events after the end are left out, and
            all but the first 10,000.
    """

    def __init__(self, rate: Rate, total: int | None, moments: Sequence[Moment] = ()) -> None:
        self.total = total
        self.moments = tuple(m for m in moments if total is None or m[0] < total)
        self._rate = rate

    def __call__(self, t: int) -> float:
        """Return the rate of update `t`, from 0; beyond the end, the rate at the end.

        Raises:
            ConfigError: `t` is negative.
        """
        if t < 0:
            raise ConfigError("Updates count from 0", received=t, where="schedule")
        return float(self._rate(t if self.total is None else min(t, self.total)))

    def observe(self, scores: Mapping[str, float]) -> None:
        """Observe a validation's scores, `head/metric` -> value, which later rates may follow."""

    def state_dict(self) -> dict[str, Any]:
        """Return the JSON-able state that a resume needs beside the number of updates."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore what `state_dict` returned."""

    def forget_scores(self) -> None:
        """Forget the best score: later scores are of other validation data."""


class Schedule(ABC):
    """Base class of learning-rate schedules, in durations ("3ep", "500st", "10%", 500).

    Attributes:
        lr: the highest learning rate, above 0.
        scored: whether later rates follow the scores of validations.
    """

    lr: float
    scored: ClassVar[bool] = False

    def __post_init__(self) -> None:
        self._check("lr", "a finite number above 0", lambda lr: lr > 0)

    def resolve(self, total: int | None, updates_per_epoch: int | None = None) -> Resolved:
        """Resolve the schedule for a training of `total` updates.

        Args:
            total: updates of the whole training; None if it is not known.
            updates_per_epoch: None if it is not known.

        Raises:
            ConfigError: a length is needed and not known, or does not fit the settings.
        """
        if total is not None and total < 1:
            raise ConfigError(
                "A schedule needs at least one update", received=f"total={total}", where=self
            )
        return self._resolve(Plan(total, updates_per_epoch))

    @abstractmethod
    def _resolve(self, plan: Plan) -> Resolved:
        """Resolve the schedule for a training."""

    def as_mxnet(self, total: int | None = None, updates_per_epoch: int | None = None) -> Any:
        """Deprecated: `df.interop.as_mxnet_scheduler(schedule, total, updates_per_epoch)`."""
        warnings.warn(
            "schedule.as_mxnet(...) is df.interop.as_mxnet_scheduler(schedule, ...) now",
            DeprecationWarning,
            stacklevel=2,
        )
        interop = import_module("densefit.interop")  # a room above this one
        return interop.as_mxnet_scheduler(self, total, updates_per_epoch)

    def judged_by(self, directions: Mapping[str, bool | None]) -> Schedule:
        """Return the schedule with the direction of the score that it follows, if it follows one.

        Args:
            directions: validation score -> whether higher is better.

        Raises:
            ConfigError: the validation lacks the score.
        """
        return self

    def _check(self, setting: str, expected: str, fits: Callable[[float], bool]) -> None:
        """Raise ConfigError unless a setting is a finite number that fits."""
        value = getattr(self, setting)
        if not (is_real(value) and fits(value)):
            raise self._wrong(setting, expected)

    def _check_final(self) -> None:
        self._check("final", f"0 to lr={self.lr}", lambda final: 0 <= final <= self.lr)

    def _check_duration(self, setting: str) -> None:
        """Raise ConfigError unless a setting is a duration longer than nothing."""
        if Duration.parse(getattr(self, setting), self._where(setting)).value == 0:
            raise self._wrong(setting, "at least one update")

    def _wrong(self, setting: str, expected: str) -> ConfigError:
        value = getattr(self, setting)
        return ConfigError(
            "A schedule's setting is out of range",
            expected=expected,
            received=f"{setting}={value!r}",
            where=self._where(setting),
            fix=_hint(value),
        )

    def _where(self, setting: str) -> str:
        return f"{type(self).__name__}({setting}=...)"

    def _needed_length(self, total: int | None) -> int:
        """Return `total`, which a decay over the whole training needs."""
        if total is None:
            raise ConfigError(
                f"{type(self).__name__} decays over the whole training, whose length is not known",
                where=self,
                fix="say how long to train (epochs= or updates=), or use Constant or Step",
            )
        return total


def _hint(value: object) -> str | None:
    """Return the fix for a number as text: YAML 1.1 reads 1e-3 as text."""
    try:
        return f"write {float(value)!r}" if isinstance(value, str) else None
    except ValueError:
        return None


schedules: Registry[Schedule] = Registry("schedule")
