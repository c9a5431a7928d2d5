"""How a network of several heads compares with one network a head."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass


def relative_change(score: float, baseline: float, higher_is_better: bool) -> float:
    """By what part of the baseline a score is better (above 0) or worse; nan if that is undefined.

    >>> relative_change(0.25, 0.5, True), relative_change(0.25, 0.5, False)
    (-0.5, 0.5)
    """
    if not (math.isfinite(score) and math.isfinite(baseline)) or baseline == 0:
        return math.nan
    gain = (score - baseline) / abs(baseline)
    return gain if higher_is_better else -gain


@dataclass(frozen=True)
class DeltaM:
    """A mean of relative changes, and what is not in it.

    Attributes:
        mean: over the other tasks; nan if there is none, or the change of one is undefined.
        without: tasks whose baseline is exactly 0, of which nothing is a part.
    """

    mean: float
    without: tuple[str, ...] = ()

    def __str__(self) -> str:
        left_out = ", ".join(self.without)
        return f"{self.mean:+.4f}" + (f" without {left_out} (baseline 0)" if left_out else "")


def delta_m(
    scores: Mapping[str, float], baselines: Mapping[str, float], higher: Mapping[str, bool]
) -> DeltaM:
    """Mean over tasks of the signed relative change; above 0, one network for all is better.

    Maninis, Radosavovic and Kokkinos, Attentive Single-Tasking of Multiple Tasks, CVPR 2019,
    arXiv:1904.08918: `1/T sum_i (-1)^l_i (M_i - B_i) / |B_i|`, l_i = 1 where a low
    number is good. As a part of 1; papers write it in percent.

    A baseline of 0 (a task that the network for it alone has not learned at all) makes one change
    undefined, and would hide all others: such a task is left out, and the result says so.

    >>> delta_m({"a": 0.75, "b": 4.5}, {"a": 0.5, "b": 4.0}, {"a": True, "b": False}).mean
    0.1875
    >>> print(delta_m({"a": 0.75, "b": 0.5}, {"a": 0.5, "b": 0.0}, {"a": True, "b": True}))
    +0.5000 without b (baseline 0)

    Args:
        scores: task -> number of the network for all.
        baselines: task -> number of the network for it alone; the same tasks.
        higher: task -> whether a high number is good.
    """
    without = tuple(task for task, baseline in baselines.items() if baseline == 0)
    changes = [
        relative_change(scores[task], baselines[task], higher[task])
        for task in baselines
        if task not in without
    ]
    return DeltaM(math.fsum(changes) / len(changes) if changes else math.nan, without)
