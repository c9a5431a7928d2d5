"""Rate drops at given moments."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from densefit.duration import Duration
from densefit.errors import ConfigError
from densefit.train.schedules.schedule import Moment, Plan, Rate, schedules
from densefit.train.schedules.warmup import WarmedUp


@schedules.register("step")
@dataclass(frozen=True)
class Step(WarmedUp):
    """The rate times `factor` at each of the moments `at`.

    Moments count from the first update of training, warm-up included; update t is past the moment
    m if t >= m. A moment at the end ("100%") or after it changes no update. torch's MultiStepLR.

    >>> rate = Step(1.0, at=["50%", 80], factor=0.5).resolve(total=100)
    >>> rate(49), rate(50), rate(80)
    (1.0, 0.5, 0.25)

    Attributes:
        at: rising durations; several on one update are as many drops.
        factor: above 0, at most 1.
    """

    lr: float
    at: Sequence[int | str] = ("60%", "80%")
    factor: float = 0.1
    warmup: int | str = 0
    warmup_start: float = 0.0
    warmup_kind: str = "linear"

    def __post_init__(self) -> None:
        super().__post_init__()
        check_moments(self.at, self._where("at"))
        self._check("factor", "above 0, at most 1", lambda factor: 0 < factor <= 1)

    def _decay(self, plan: Plan) -> Rate:
        where = self._where("at")
        moments = rising(self.at, plan, where)
        if moments and moments[0] < plan.warmup:
            raise ConfigError(
                "A Step schedule cannot drop the rate while it still warms up",
                expected=f"moments from update {plan.warmup} on",
                received=f"at={list(self.at)!r}, which is at the updates {moments}",
                where=where,
            )
        total = plan.total
        moments = [moment for moment in moments if total is None or moment < total]
        return lambda t: self.lr * math.pow(self.factor, sum(t >= moment for moment in moments))

    def _moments(self, plan: Plan) -> Iterable[Moment]:
        return [(t, "drops") for t in rising(self.at, plan, self._where("at"))]


def check_moments(at: object, where: str) -> None:
    """Raise ConfigError unless `at` is a list of durations."""
    if isinstance(at, (str, int)) or not isinstance(at, Sequence):
        raise ConfigError(
            "Moments are a list of durations",
            expected="e.g. ['60%', '80%']",
            received=f"at={at!r}",
            where=where,
        )
    for moment in at:
        Duration.parse(moment, where)


def rising(at: Sequence[int | str], plan: Plan, where: str) -> list[int]:
    """Convert moments to updates.

    Raises:
        ConfigError: they do not rise, or a length is not known.
    """
    moments = [plan.updates(moment, where) for moment in at]
    if moments != sorted(moments):
        raise ConfigError(
            "The moments of a schedule must rise",
            received=f"at={list(at)!r}, which is at the updates {moments}",
            where=where,
        )
    return moments
