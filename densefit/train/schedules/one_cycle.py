"""One-cycle schedule: one rise and one fall over the whole training."""

from __future__ import annotations

import math
from dataclasses import dataclass

from densefit.train.schedules.curve import between, half_cosine
from densefit.train.schedules.schedule import Moment, Plan, Resolved, Schedule, schedules

ANNEALS = ("cos", "linear")


@schedules.register("one_cycle")
@dataclass(frozen=True)
class OneCycle(Schedule):
    """From `lr / div_factor` up to `lr`, and down far below the start, at the last update.

    Smith and Topin, Super-Convergence, arXiv:1708.07120, with the settings of torch's OneCycleLR
    and its rates, to fractions of an update. The momentum is constant.

    A phase shorter than one update is skipped: with `pct_start=0` the rate only falls, with
    `pct_start=1` it only rises, to `lr` at the last update. A training of one update has
    the lowest rate, or `lr` if nothing falls.

    >>> rate = OneCycle(1.0, pct_start=0.25, div_factor=10).resolve(total=100)
    >>> rate(0), rate(24), rate(99)
    (0.1, 1.0, 1e-05)

    Attributes:
        pct_start: part of the training in which the rate rises, 0 to 1; with three phases at most
            0.5.
        div_factor: the first rate is `lr / div_factor`; at least 1.
        final_div_factor: the last rate is the first rate divided by it; at least 1.
        anneal: "cos" or "linear", the shape of each phase.
        three_phase: whether the rate falls to the first one as fast as it rose, and from there to
            the last.
    """

    lr: float
    pct_start: float = 0.3
    div_factor: float = 25.0
    final_div_factor: float = 1e4
    anneal: str = "cos"
    three_phase: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        most = 0.5 if self.three_phase else 1.0
        self._check("pct_start", f"0 to {most}", lambda part: 0 <= part <= most)
        self._check("div_factor", "a finite number, at least 1", lambda factor: factor >= 1)
        self._check("final_div_factor", "a finite number, at least 1", lambda factor: factor >= 1)
        if self.anneal not in ANNEALS:
            raise self._wrong("anneal", " or ".join(ANNEALS))

    def _resolve(self, plan: Plan) -> Resolved:
        total = self._needed_length(plan.total)
        phases = self._phases(total)

        def rate(t: int) -> float:
            start, low = 0.0, self.lr / self.div_factor
            for end, high in phases:
                if t <= end:
                    break
                start, low = end, high
            # Without a phase, or in a phase without length, the rate is the one at its end.
            part = (t - start) / (end - start) if end > start else 1.0
            if self.anneal == "cos":
                return between(high, low, half_cosine(part))
            return between(low, high, part)

        names = ("falls", "is back at the start")
        moments: list[Moment] = [
            (math.ceil(end), name) for (end, _), name in zip(phases[:-1], names) if end > 0
        ]
        return Resolved(rate, total, moments)

    def _phases(self, total: int) -> list[tuple[float, float]]:
        """Return for each phase its end, not always a whole update, and the rate there."""
        first = self.lr / self.div_factor
        rise = self.pct_start * total - 1
        phases = [(rise, self.lr)]
        if rise >= total - 1:  # nothing falls, during the training or after it
            return phases
        if self.three_phase:
            phases.append((2 * self.pct_start * total - 2, first))
        return [*phases, (total - 1, first / self.final_div_factor)]
