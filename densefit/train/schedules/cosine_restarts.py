"""Cosine decay with warm restarts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from densefit.train.schedules.curve import between, half_cosine
from densefit.train.schedules.schedule import Moment, Plan, Rate, schedules
from densefit.train.schedules.warmup import WarmedUp


@schedules.register("cosine_restarts")
@dataclass(frozen=True)
class CosineRestarts(WarmedUp):
    """Cosine cycles: cycle i has `period * growth**i` updates and starts at `lr * decay**i`.

    A cycle whose start would be below `final` stays at `final` throughout.

    Loshchilov and Hutter, SGDR, arXiv:1608.03983: torch's CosineAnnealingWarmRestarts (`T_0`,
    `T_mult`) and timm's cosine (`cycle_mul`, `cycle_decay`, `cycle_limit`, `k_decay`). Cycles are
    counted from the end of warm-up; a cycle that training ends in is cut off. Where training and a
    cycle end together, the rate stays at `final`.

    >>> rate = CosineRestarts(1.0, period=10, growth=2, decay=0.5).resolve(total=70)
    >>> [rate(t) for t in (0, 5, 10, 20, 30)]
    [1.0, 0.5, 0.5, 0.25, 0.25]

    Attributes:
        period: length of the first cycle, a duration.
        growth: at least 1; cycles need not be whole numbers of updates.
        decay: above 0, at most 1.
        final: the rate at the end of each cycle, 0 to `lr`.
        cycles: how many there are; then the rate stays at `final`. None for no end.
        k_decay: above 0; more than 1 keeps the rate high for longer in each cycle.
    """

    lr: float
    period: int | str
    growth: float = 1.0
    decay: float = 1.0
    final: float = 0.0
    cycles: int | None = None
    warmup: int | str = 0
    warmup_start: float = 0.0
    warmup_kind: str = "linear"
    k_decay: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_duration("period")
        self._check("growth", "a finite number, at least 1", lambda growth: growth >= 1)
        self._check("decay", "above 0, at most 1", lambda decay: 0 < decay <= 1)
        self._check_final()
        if self.cycles is not None:
            self._check("cycles", "a whole number, at least 1", lambda n: n >= 1 and n == int(n))
        self._check("k_decay", "a finite number above 0", lambda k: k > 0)

    def _decay(self, plan: Plan) -> Rate:
        period = self._period(plan)

        def rate(t: int) -> float:
            s = t - plan.warmup
            # After the last update its cycle goes on; none begins.
            within = s if plan.total is None else min(s, plan.total - 1 - plan.warmup)
            number, start, length = cycle_at(within, period, self.growth)
            if self.cycles is not None and number >= self.cycles:
                return self.final
            highest = max(self.final, self.lr * math.pow(self.decay, number))
            part = math.pow(min((s - start) / length, 1.0), self.k_decay)
            return between(self.final, highest, half_cosine(part))

        return rate

    def _moments(self, plan: Plan) -> Iterator[Moment]:
        start, length, ended = float(plan.warmup), float(self._period(plan)), 0
        while start + length < (plan.total or 0) and ended != self.cycles:
            start, length, ended = start + length, length * self.growth, ended + 1
            yield math.ceil(start), "cycles end" if ended == self.cycles else "restarts"

    def _period(self, plan: Plan) -> int:
        return plan.updates(self.period, self._where("period"))


def cycle_at(s: float, period: float, growth: float) -> tuple[int, float, float]:
    """Return the cycle of moment `s`: its number from 0, its start and its length.

    Cycles of `period`, `period * growth`, `period * growth**2`... follow one another from 0.

    >>> cycle_at(35, period=10, growth=2)
    (2, 30.0, 40.0)
    """
    if growth == 1:
        number = int(s // period)
        return number, number * period, period
    number, start, length = 0, 0.0, float(period)
    while s >= start + length:
        number, start, length = number + 1, start + length, length * growth
    return number, start, length
