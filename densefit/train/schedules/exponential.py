"""Exponential decay."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from densefit.train.schedules.schedule import Moment, Plan, Rate, schedules
from densefit.train.schedules.warmup import WarmedUp


@schedules.register("exponential")
@dataclass(frozen=True)
class Exponential(WarmedUp):
    """`lr * factor**(s/every)`, after s updates since warm-up.

    With `every=1` torch's ExponentialLR; with `staircase=True` its StepLR, and MXNet's
    FactorScheduler.

    >>> rate = Exponential(1.0, factor=0.25, every="2ep").resolve(total=100, updates_per_epoch=10)
    >>> rate(10), rate(20)
    (0.5, 0.25)

    Attributes:
        factor: above 0, at most 1.
        every: a duration, counted from the end of warm-up.
        staircase: whether the rate stays until `every` is over, and then drops at once; after the
            last update it stays.
    """

    lr: float
    factor: float = 0.95
    every: int | str = "1ep"
    staircase: bool = False
    warmup: int | str = 0
    warmup_start: float = 0.0
    warmup_kind: str = "linear"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("factor", "above 0, at most 1", lambda factor: 0 < factor <= 1)
        self._check_duration("every")

    def _decay(self, plan: Plan) -> Rate:
        every, total = self._every(plan), plan.total

        def rate(t: int) -> float:
            # A drop that falls on the end of training would change no update.
            last = t if total is None or not self.staircase else min(t, total - 1)
            s = last - plan.warmup
            return self.lr * math.pow(self.factor, s // every if self.staircase else s / every)

        return rate

    def _moments(self, plan: Plan) -> Iterator[Moment]:
        every = self._every(plan)
        end = (plan.total or 0) if self.staircase else 0
        return ((t, "drops") for t in range(plan.warmup + every, end, every))

    def _every(self, plan: Plan) -> int:
        return plan.updates(self.every, self._where("every"))
