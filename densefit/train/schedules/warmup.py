"""Warm-up to the full rate, the start of most schedules."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice

from densefit.duration import Duration
from densefit.errors import ConfigError
from densefit.train.schedules.curve import between
from densefit.train.schedules.schedule import Moment, Plan, Rate, Resolved, Schedule

KINDS = ("linear", "constant")
MOST_MOMENTS = 10_000  # limit for short cycles in a training without an end


class WarmedUp(Schedule):
    """Base class of schedules that warm up and then decay from the full rate.

    Attributes:
        warmup: a duration ("500st", "1ep", "5%", or a number of updates), shorter than the
            training.
        warmup_start: first rate of a linear warm-up, or the rate of a constant one; 0 to `lr`.
        warmup_kind: "linear", or "constant" for `warmup_start` until `lr` begins.
    """

    warmup: int | str
    warmup_start: float
    warmup_kind: str

    def __post_init__(self) -> None:
        super().__post_init__()
        Duration.parse(self.warmup, self._where("warmup"))
        self._check("warmup_start", f"0 to lr={self.lr}", lambda start: 0 <= start <= self.lr)
        if self.warmup_kind not in KINDS:
            raise self._wrong("warmup_kind", " or ".join(KINDS))
        if self.warmup_kind == "constant" and self._warms_up and not self.warmup_start:
            raise self._wrong("warmup_start", "above 0, or a constant warm-up trains nothing")

    def _resolve(self, plan: Plan) -> Resolved:
        warmup = plan.updates(self.warmup, self._where("warmup"))
        total = plan.total
        length = Duration.parse(self.warmup)
        if total is not None and length.unit == "%" and length.value < 100:
            warmup = min(warmup, total - 1)  # 5 % of a training of one update are none
        if total is not None and warmup > 0 and warmup >= total:
            raise ConfigError(
                "Warm-up takes the whole training",
                expected=f"less than {total} updates",
                received=f"warmup={self.warmup!r}, which is {warmup} updates",
                where=self._where("warmup"),
                fix="train longer, or shorten the warm-up (a percentage follows the length)",
            )
        plan = replace(plan, warmup=warmup)
        moments = [(warmup, "warm-up ends")] if warmup else []
        moments += islice(self._moments(plan), MOST_MOMENTS)
        return self._warmed_up(plan, self._decay(plan), moments)

    def _warmed_up(self, plan: Plan, decay: Rate, moments: list[Moment]) -> Resolved:
        """Resolve to the warm-up, then `decay`."""

        def rate(t: int) -> float:
            return self._warm(t, plan.warmup) if t < plan.warmup else decay(t)

        return Resolved(rate if plan.warmup else decay, plan.total, moments)

    @abstractmethod
    def _decay(self, plan: Plan) -> Rate:
        """Return the rate after warm-up, by the number of updates (at least `plan.warmup`)."""

    def _moments(self, plan: Plan) -> Iterable[Moment]:
        """Return the events after warm-up to mark on a plot."""
        return ()

    def _warm(self, t: int, warmup: int) -> float:
        if self.warmup_kind == "constant":
            return self.warmup_start
        return between(self.warmup_start, self.lr, (t + 1) / warmup)

    @property
    def _warms_up(self) -> bool:
        return Duration.parse(self.warmup).value > 0
