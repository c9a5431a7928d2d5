"""Polynomial decay."""

from __future__ import annotations

import math
from dataclasses import dataclass

from densefit.train.schedules.curve import between
from densefit.train.schedules.schedule import Plan, Rate, schedules
from densefit.train.schedules.warmup import WarmedUp


@schedules.register("poly")
@dataclass(frozen=True)
class Poly(WarmedUp):
    """`final + (lr - final) * (1 - (s/S)**k_decay)**power`, s of S updates after warm-up done.

    The usual schedule of semantic segmentation (Chen et al., DeepLab, arXiv:1606.00915).
    torch's PolynomialLR; `k_decay` is of Zhang and Li, arXiv:2004.05909, as in timm.

    >>> Poly(0.1, power=1).resolve(total=100)(25)
    0.07500000000000001

    Attributes:
        power: above 0.
        final: the rate at the end, 0 to `lr`.
        k_decay: above 0; more than 1 keeps the rate high for longer.
    """

    lr: float
    power: float = 0.9
    final: float = 0.0
    warmup: int | str = 0
    warmup_start: float = 0.0
    warmup_kind: str = "linear"
    k_decay: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_final()
        self._check("power", "a finite number above 0", lambda power: power > 0)
        self._check("k_decay", "a finite number above 0", lambda k: k > 0)

    def _decay(self, plan: Plan) -> Rate:
        length = self._needed_length(plan.total) - plan.warmup

        def rate(t: int) -> float:
            left = 1 - math.pow((t - plan.warmup) / length, self.k_decay)
            return between(self.final, self.lr, math.pow(left, self.power))

        return rate
