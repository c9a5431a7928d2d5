"""Compare a network of several heads with one network for each head."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from densefit.errors import ConfigError
from densefit.metrics.core.direction import direction_of, stated_direction
from densefit.registry import nearest


def relative_change(score: float, baseline: float, higher_is_better: bool) -> float:
    """Relative change of a score to a baseline, above 0 if it is better; nan if undefined.

    >>> relative_change(0.25, 0.5, True), relative_change(0.25, 0.5, False)
    (-0.5, 0.5)
    """
    if not (math.isfinite(score) and math.isfinite(baseline)) or baseline == 0:
        return math.nan
    gain = (score - baseline) / abs(baseline)
    return gain if higher_is_better else -gain


@dataclass(frozen=True)
class DeltaM:
    """Mean of relative changes over tasks.

    Attributes:
        mean: over all tasks but `without`; nan without tasks, or if a change is undefined.
        without: tasks whose baseline is exactly 0, which has no relative change.
    """

    mean: float
    without: tuple[str, ...] = ()

    def __str__(self) -> str:
        left_out = ", ".join(self.without)
        return f"{self.mean:+.4f}" + (f" without {left_out} (baseline 0)" if left_out else "")


def delta_m(
    scores: Mapping[str, float], baselines: Mapping[str, float], higher: Mapping[str, bool]
) -> DeltaM:
    """Mean over tasks of the signed relative change; above 0, the multi-task network is better.

    Maninis, Radosavovic and Kokkinos, Attentive Single-Tasking of Multiple Tasks, CVPR 2019,
    arXiv:1904.08918: `1/T sum_i (-1)^l_i (M_i - B_i) / |B_i|`, l_i = 1 where a low
    number is good. As a fraction; papers report percent.

    A baseline of 0 (a task that its single-task network has not learned at all) makes a change
    undefined, and would hide all other changes: such a task is left out, and the result says so.

    >>> delta_m({"a": 0.75, "b": 4.5}, {"a": 0.5, "b": 4.0}, {"a": True, "b": False}).mean
    0.1875
    >>> print(delta_m({"a": 0.75, "b": 0.5}, {"a": 0.5, "b": 0.0}, {"a": True, "b": True}))
    +0.5000 without b (baseline 0)

    Args:
        scores: task -> score of the multi-task network.
        baselines: task -> score of its single-task network; the same tasks.
        higher: task -> whether a high score is good.
    """
    without = tuple(task for task, baseline in baselines.items() if baseline == 0)
    changes = [
        relative_change(scores[task], baselines[task], higher[task])
        for task in baselines
        if task not in without
    ]
    return DeltaM(math.fsum(changes) / len(changes) if changes else math.nan, without)


class DeltaMScore:
    """Delta-m of a validation's scores, to select the best checkpoint of several heads.

    >>> score = DeltaMScore({"a/AP": 0.5, "b/RMSE": 4.0}, {"a/AP": True, "b/RMSE": False})
    >>> score({"a/AP": 0.75, "b/RMSE": 4.5, "a/AP50": 0.9})
    0.1875

    Args:
        baselines: score -> its value for a network of that head alone, on the same data.
        higher: score -> whether a high value is good; the same scores.

    Attributes:
        higher_is_better: always True.

    Raises:
        ConfigError: other scores in the one than in the other, or only baselines of 0, to which
            no change is relative; before a training, or when called: a score is missing.
    """

    higher_is_better = True

    def __init__(self, baselines: Mapping[str, float], higher: Mapping[str, bool]) -> None:
        self.baselines, self.higher = dict(baselines), dict(higher)
        if set(baselines) != set(higher) or not any(baselines.values()):
            raise ConfigError(
                "delta-m is relative to a baseline of each head's main score",
                expected=f"baselines, not all 0, of {', '.join(higher) or 'a score'}",
                received=dict(baselines) or "none",
                where="training.baselines",
                fix="train each head alone, and take its best validation score",
            )

    def check(self, scores: Mapping[str, bool], where: str = "delta-m") -> None:
        """Check the names against the scores that a validation will have.

        Args:
            scores: score -> whether a high value is good.
            where: what it is for, to be named in errors.

        Raises:
            ConfigError: a score is not among them.
        """
        for name, high in self.higher.items():
            stated_direction(high, direction_of(name, scores, "for delta-m", where), name, where)

    def __call__(self, scores: Mapping[str, float]) -> float:
        """Compute delta-m of a validation's scores."""
        for name in self.baselines:
            if name not in scores:
                raise ConfigError(
                    f"There is no score {name!r} for delta-m", fix=nearest(name, scores)
                )
        return delta_m(scores, self.baselines, self.higher).mean
