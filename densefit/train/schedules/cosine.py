"""Decay along half a cosine."""

from __future__ import annotations

import math
from dataclasses import dataclass

from densefit.train.schedules.curve import between, half_cosine
from densefit.train.schedules.schedule import Plan, Rate, schedules
from densefit.train.schedules.warmup import WarmedUp


@schedules.register("cosine")
@dataclass(frozen=True)
class Cosine(WarmedUp):
    """`final + (lr - final) * (1 + cos(pi (s/S)**k_decay)) / 2`, s of S updates after warm-up done.

    Loshchilov and Hutter, SGDR, arXiv:1608.03983, without restarts; torch's CosineAnnealingLR.
    `k_decay` is of Zhang and Li, arXiv:2004.05909, as in timm.

    >>> Cosine(0.1).resolve(total=100)(50)
    0.05

    Attributes:
        final: the rate at the end, 0 to `lr`.
        k_decay: above 0; more than 1 keeps the rate high for longer.
    """

    lr: float
    final: float = 0.0
    warmup: int | str = 0
    warmup_start: float = 0.0
    warmup_kind: str = "linear"
    k_decay: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_final()
        self._check("k_decay", "a finite number above 0", lambda k: k > 0)

    def _decay(self, plan: Plan) -> Rate:
        length = self._needed_length(plan.total) - plan.warmup

        def rate(t: int) -> float:
            part = math.pow((t - plan.warmup) / length, self.k_decay)
            return between(self.final, self.lr, half_cosine(part))

        return rate
