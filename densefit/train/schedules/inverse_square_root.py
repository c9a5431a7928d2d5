"""Inverse-square-root decay, which has no end."""

from __future__ import annotations

import math
from dataclasses import dataclass

from densefit.train.schedules.schedule import Plan, Rate, schedules
from densefit.train.schedules.warmup import WarmedUp


@schedules.register("inverse_square_root")
@dataclass(frozen=True)
class InverseSquareRoot(WarmedUp):
    """`lr / sqrt(1 + s/timescale)`, after s updates since warm-up.

    It needs no length, so a training may be prolonged (Zhai et al., Scaling Vision Transformers,
    arXiv:2106.04560). With the warm-up as timescale it is `lr * sqrt(warmup / t)`, as for the first
    Transformer (Vaswani et al., arXiv:1706.03762).

    >>> InverseSquareRoot(0.1, timescale=100).resolve(total=None)(300)
    0.05

    Attributes:
        timescale: a duration; at its triple the rate is halved.
    """

    lr: float
    timescale: int | str = 10_000
    warmup: int | str = 0
    warmup_start: float = 0.0
    warmup_kind: str = "linear"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_duration("timescale")

    def _decay(self, plan: Plan) -> Rate:
        timescale = plan.updates(self.timescale, self._where("timescale"))
        return lambda t: self.lr / math.sqrt(1 + (t - plan.warmup) / timescale)
