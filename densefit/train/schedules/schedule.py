"""What a schedule is, and what it becomes once the length of training is known."""

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
        warmup: how many of the updates warm up.
    """

    total: int | None
    updates_per_epoch: int | None
    warmup: int = 0

    def updates(self, duration: DurationLike, where: str | None = None) -> int:
        """A duration in updates. Raises ConfigError, naming `where`, if a length is not known."""
        return Duration.parse(duration, where).resolve(self.updates_per_epoch, self.total, where)


class Resolved:
    """A schedule whose durations are known in updates: a function of the updates done.

    Those of nearly all schedules have no state; `observe` and the state of the others do nothing.

    Args:
        rate: from the number of updates done (0 to `total`) to the rate.
        total: updates of the training; None if not known.
        moments: (update, what happens with it) of what is worth a mark on a plot, in order; those
            after the end are left out, and those behind the first 10,000.
    """

    def __init__(self, rate: Rate, total: int | None, moments: Sequence[Moment] = ()) -> None:
        self.total = total
        self.moments = tuple(m for m in moments if total is None or m[0] < total)
        self._rate = rate

    def __call__(self, t: int) -> float:
        """The rate of update `t`, from 0; beyond the end, the rate at the end.

        Raises:
            ConfigError: `t` is negative.
        """
        if t < 0:
            raise ConfigError("Updates count from 0", received=t, where="schedule")
        return float(self._rate(t if self.total is None else min(t, self.total)))

    def observe(self, scores: Mapping[str, float]) -> None:
        """Take in a validation's scores, `head/metric` -> number; later rates may follow them."""

    def state_dict(self) -> dict[str, Any]:
        """What a resume needs beside the number of updates done; JSON-able."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from what `state_dict` gave."""

    def forget_scores(self) -> None:
        """Forget the best score so far: those to come are of other validation data."""


class Schedule(ABC):
    """A learning rate over the training, by durations ("3ep", "500st", "10%", 500).

    Attributes:
        lr: the highest learning rate, above 0.
        scored: whether later rates follow the scores of validations.
    """

    lr: float
    scored: ClassVar[bool] = False

    def __post_init__(self) -> None:
        self._check("lr", "a finite number above 0", lambda lr: lr > 0)

    def resolve(self, total: int | None, updates_per_epoch: int | None = None) -> Resolved:
        """The schedule of a training of `total` updates.

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
        """The schedule of that training."""

    def as_mxnet(self, total: int | None = None, updates_per_epoch: int | None = None) -> Any:
        """Deprecated: `df.interop.as_mxnet_scheduler(schedule, total, updates_per_epoch)`."""
        warnings.warn(
            "schedule.as_mxnet(...) is df.interop.as_mxnet_scheduler(schedule, ...) now",
            DeprecationWarning,
            stacklevel=2,
        )
        interop = import_module("densefit.interop")  # a room above this one
        return interop.as_mxnet_scheduler(self, total, updates_per_epoch)

    def judged_by(self, known: Mapping[str, bool | None]) -> Schedule:
        """The schedule with what it has to know of the scores that it follows, if it does.

        Args:
            known: score -> whether a high one is good, of all that validation computes.

        Raises:
            ConfigError: the score is not among them.
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

    def _known(self, total: int | None) -> int:
        """`total`, which a decay over the whole training needs."""
        if total is None:
            raise ConfigError(
                f"{type(self).__name__} decays over the whole training, whose length is not known",
                where=self,
                fix="say how long to train (epochs= or updates=), or use Constant or Step",
            )
        return total


def _hint(value: object) -> str | None:
    """YAML 1.1 reads 1e-3 as a text."""
    try:
        return f"write {float(value)!r}" if isinstance(value, str) else None
    except ValueError:
        return None


schedules: Registry[Schedule] = Registry("schedule")
