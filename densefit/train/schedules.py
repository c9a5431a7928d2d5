"""Learning-rate schedules: pure functions of the number of updates done.

Update t (from 0) is made at the rate `schedule.resolve(total, updates_per_epoch)(t)`. There is no
state, so the rates of a resumed run, of a plot and of a log line are the same by construction.
After the last planned update the rate stays where the schedule ends.

Three things on which frameworks differ, and what is done here:

- *The clock of warm-up.* The decay may run on during warm-up (detectron2, timm), so that the full
  rate is never reached, or start after it (MXNet, Hugging Face, torch's SequentialLR). Here it
  starts after: `Poly` and `Cosine` run from `lr` to `final` over the `total - warmup` updates left.
  `Step` counts its moments from the first update of training.
- *The first rate.* A warm-up from 0 that begins at 0 wastes an update (Hugging Face). Here update
  t of W gets `start + (lr - start) * (t + 1) / W`: the first moves, and the last has the full rate.
- *Off by one.* MXNet asks its schedulers for the rate of the first update with 1, torch with 0.
  Here it is 0, as in torch: decay reaches `final` at t = total, just after the last update.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Callable

from densefit.duration import Duration
from densefit.errors import ConfigError
from densefit.registry import Registry


@dataclass(frozen=True)
class Resolved:
    """A schedule whose durations are known in updates.

    Attributes:
        lr: the full rate.
        warmup: updates of warm-up.
        warmup_start: the rate from which warm-up rises.
        total: updates of the training; None if not known.
        decay: from the number of updates done (at least `warmup`) to the rate.
    """

    lr: float
    warmup: int
    warmup_start: float
    total: int | None
    decay: Callable[[int], float]

    def __call__(self, t: int) -> float:
        """The rate of update `t`, from 0; beyond the end, the rate at the end.

        Raises:
            ConfigError: `t` is negative.
        """
        if t < 0:
            raise ConfigError("Updates count from 0", received=t, where="schedule")
        if t < self.warmup:
            return _between(self.warmup_start, self.lr, (t + 1) / self.warmup)
        return self.decay(t if self.total is None else min(t, self.total))


class Schedule(ABC):
    """What every schedule has: a full rate, and a linear warm-up to it.

    Attributes:
        lr: the full learning rate, above 0.
        warmup: a duration ("500st", "1ep", "5%", or a number of updates).
        warmup_start: the rate from which warm-up rises, 0 to `lr`.
    """

    lr: float
    warmup: int | str
    warmup_start: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.lr) and self.lr > 0):
            raise self._wrong("lr", "a finite rate above 0")
        if not 0 <= self.warmup_start <= self.lr:
            raise self._wrong("warmup_start", f"0 to lr={self.lr}")
        Duration.parse(self.warmup, self._where("warmup"))

    def resolve(self, total: int | None, updates_per_epoch: int | None = None) -> Resolved:
        """The schedule of a training of `total` updates.

        Args:
            total: updates of the whole training; None if it is not known.
            updates_per_epoch: None if it is not known.

        Raises:
            ConfigError: a length is needed and not known, or warm-up fills the whole training.
        """
        if total is not None and total < 1:
            raise ConfigError(
                "A schedule needs at least one update", received=f"total={total}", where=self
            )
        warmup = Duration.parse(self.warmup).resolve(
            updates_per_epoch, total, self._where("warmup")
        )
        if total is not None and warmup > 0 and warmup >= total:
            raise ConfigError(
                "Warm-up takes the whole training",
                expected=f"less than {total} updates",
                received=f"warmup={self.warmup!r}, which is {warmup} updates",
                where=self._where("warmup"),
                fix="train longer, or shorten the warm-up (a percentage follows the length)",
            )
        decay = self._decay(warmup, total, updates_per_epoch)
        return Resolved(self.lr, warmup, self.warmup_start, total, decay)

    @abstractmethod
    def _decay(
        self, warmup: int, total: int | None, updates_per_epoch: int | None
    ) -> Callable[[int], float]:
        """The rate after warm-up as a function of the number of updates done."""

    def _where(self, setting: str) -> str:
        return f"{type(self).__name__}({setting}=...)"

    def _wrong(self, setting: str, expected: str) -> ConfigError:
        return ConfigError(
            "A schedule's setting is out of range",
            expected=expected,
            received=f"{setting}={getattr(self, setting)!r}",
            where=self._where(setting),
        )

    def _check_final(self, final: float) -> None:
        if not 0 <= final <= self.lr:
            raise self._wrong("final", f"0 to lr={self.lr}")

    def _known(self, total: int | None) -> int:
        """`total`, which a decay over the whole training needs."""
        if total is None:
            raise ConfigError(
                f"{type(self).__name__} decays over the whole training, whose length is not known",
                where=self,
                fix="say how long to train (epochs= or updates=), or use Constant or Step",
            )
        return total


schedules: Registry[Schedule] = Registry("schedule")


@schedules.register("constant")
@dataclass(frozen=True)
class Constant(Schedule):
    """The same rate all the time, after warm-up.

    >>> Constant(0.1).resolve(total=None)(12345)
    0.1
    """

    lr: float
    warmup: int | str = 0
    warmup_start: float = 0.0

    def _decay(
        self, warmup: int, total: int | None, updates_per_epoch: int | None
    ) -> Callable[[int], float]:
        return lambda t: float(self.lr)


@schedules.register("step")
@dataclass(frozen=True)
class Step(Schedule):
    """The rate times `factor` at each of the moments `at`.

    Moments count from the first update of training, warm-up included; update t is past the moment
    m if t >= m. A moment after the end never comes.

    >>> rate = Step(1.0, at=["50%", 80], factor=0.5).resolve(total=100)
    >>> rate(49), rate(50), rate(80)
    (1.0, 0.5, 0.25)

    Attributes:
        at: rising durations.
        factor: above 0, at most 1.
    """

    lr: float
    at: Sequence[int | str] = ("60%", "80%")
    factor: float = 0.1
    warmup: int | str = 0
    warmup_start: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.at, (str, int)):
            raise self._wrong("at", "a list of durations, e.g. ['60%', '80%']")
        for moment in self.at:
            Duration.parse(moment, self._where("at"))
        if not 0 < self.factor <= 1:
            raise self._wrong("factor", "above 0, at most 1")

    def _decay(
        self, warmup: int, total: int | None, updates_per_epoch: int | None
    ) -> Callable[[int], float]:
        moments = self.moments(total, updates_per_epoch)
        if moments != sorted(moments):
            raise ConfigError(
                "The moments of a Step schedule must rise",
                received=f"at={list(self.at)!r}, which is at the updates {moments}",
                where=self._where("at"),
            )
        if moments and moments[0] < warmup:
            raise ConfigError(
                "A Step schedule cannot drop the rate while it still warms up",
                expected=f"moments from update {warmup} on",
                received=f"at={list(self.at)!r}, which is at the updates {moments}",
                where=self._where("at"),
            )
        return lambda t: self.lr * math.pow(self.factor, sum(t >= moment for moment in moments))

    def moments(self, total: int | None, updates_per_epoch: int | None) -> list[int]:
        """The moments `at`, in updates."""
        where = self._where("at")
        return [Duration.parse(m).resolve(updates_per_epoch, total, where) for m in self.at]


@schedules.register("poly")
@dataclass(frozen=True)
class Poly(Schedule):
    """`final + (lr - final) * (1 - s/S)**power`, s of the S updates after warm-up being done.

    The usual schedule of semantic segmentation (Chen et al., DeepLab, arXiv:1606.00915).

    >>> Poly(0.1, power=1).resolve(total=100)(25)
    0.07500000000000001
    """

    lr: float
    power: float = 0.9
    final: float = 0.0
    warmup: int | str = 0
    warmup_start: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_final(self.final)
        if not (math.isfinite(self.power) and self.power > 0):
            raise self._wrong("power", "a finite number above 0")

    def _decay(
        self, warmup: int, total: int | None, updates_per_epoch: int | None
    ) -> Callable[[int], float]:
        length = self._known(total) - warmup
        return lambda t: _between(
            self.final, self.lr, math.pow(1 - (t - warmup) / length, self.power)
        )


@schedules.register("cosine")
@dataclass(frozen=True)
class Cosine(Schedule):
    """`final + (lr - final) * (1 + cos(pi s/S)) / 2`, s of the S updates after warm-up being done.

    Loshchilov and Hutter, SGDR, arXiv:1608.03983, without restarts.

    >>> Cosine(0.1).resolve(total=100)(50)
    0.05
    """

    lr: float
    final: float = 0.0
    warmup: int | str = 0
    warmup_start: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_final(self.final)

    def _decay(
        self, warmup: int, total: int | None, updates_per_epoch: int | None
    ) -> Callable[[int], float]:
        length = self._known(total) - warmup
        return lambda t: _between(
            self.final, self.lr, (1 + math.cos(math.pi * (t - warmup) / length)) / 2
        )


def _between(low: float, high: float, part: float) -> float:
    """`low` at part 0 and `high` at part 1, both exactly."""
    return low * (1 - part) + high * part
