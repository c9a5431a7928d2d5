"""Constant rate."""

from __future__ import annotations

from dataclasses import dataclass

from densefit.train.schedules.schedule import Plan, Rate, schedules
from densefit.train.schedules.warmup import WarmedUp


@schedules.register("constant")
@dataclass(frozen=True)
class Constant(WarmedUp):
    """Constant rate, after warm-up.

    >>> Constant(0.1).resolve(total=None)(12345)
    0.1
    """

    lr: float
    warmup: int | str = 0
    warmup_start: float = 0.0
    warmup_kind: str = "linear"

    def _decay(self, plan: Plan) -> Rate:
        return lambda t: self.lr
