"""How a network of several heads compares with one network a head."""

from __future__ import annotations

import math
from collections.abc import Mapping


def relative_change(score: float, baseline: float, higher_is_better: bool) -> float:
    """By what part of the baseline a score is better (above 0) or worse; nan if that is undefined.

    >>> relative_change(0.25, 0.5, True), relative_change(0.25, 0.5, False)
    (-0.5, 0.5)
    """
    if not (math.isfinite(score) and math.isfinite(baseline)) or baseline == 0:
        return math.nan
    gain = (score - baseline) / abs(baseline)
    return gain if higher_is_better else -gain


def delta_m(
    scores: Mapping[str, float], baselines: Mapping[str, float], higher: Mapping[str, bool]
) -> float:
    """Mean over tasks of the signed relative change; above 0, one network for all is better.

    Maninis, Radosavovic and Kokkinos, Attentive Single-Tasking of Multiple Tasks, CVPR 2019,
    arXiv:1904.08918: `1/T sum_i (-1)^l_i (M_i - B_i) / B_i`, l_i = 1 where a low
    number is good. As a part of 1; papers write it in percent.

    >>> delta_m({"a": 0.75, "b": 4.5}, {"a": 0.5, "b": 4.0}, {"a": True, "b": False})
    0.1875

    Args:
        scores: task -> number of the network for all.
        baselines: task -> number of the network for it alone; the same tasks.
        higher: task -> whether a high number is good.

    Returns:
        nan without tasks, or if the change of one is undefined.
    """
    changes = [relative_change(scores[task], baselines[task], higher[task]) for task in baselines]
    return math.fsum(changes) / len(changes) if changes else math.nan
