"""Linear decay."""

from __future__ import annotations

from dataclasses import dataclass

from densefit.train.schedules.curve import between
from densefit.train.schedules.schedule import Plan, Rate, schedules
from densefit.train.schedules.warmup import WarmedUp


@schedules.register("linear")
@dataclass(frozen=True)
class Linear(WarmedUp):
    """`final + (lr - final) * (1 - s/S)`, after s of the S updates since warm-up.

    torch's LinearLR with `end_factor=final / lr`.

    >>> Linear(0.1).resolve(total=100)(50)
    0.05

    Attributes:
        final: the rate at the end, 0 to `lr`.
    """

    lr: float
    final: float = 0.0
    warmup: int | str = 0
    warmup_start: float = 0.0
    warmup_kind: str = "linear"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_final()

    def _decay(self, plan: Plan) -> Rate:
        length = self._needed_length(plan.total) - plan.warmup
        return lambda t: between(self.lr, self.final, (t - plan.warmup) / length)
