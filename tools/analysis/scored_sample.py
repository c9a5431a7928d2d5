"""Samples with their scores and outcomes, and the choice of those that a report shows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

_BEST, _VARIED = 6, 4  # of the chosen samples, a sixth are the best, a quarter of rare outcomes
_EACH = 2  # samples of each outcome, where there are so many


@dataclass(frozen=True)
class ScoredSample:
    """A sample with its score and its outcomes.

    Attributes:
        id: the sample's id.
        value: its score.
        outcomes: (class, kind) -> count, e.g. (0, "missed") -> 2.
    """

    id: str
    value: float
    outcomes: Mapping[tuple[int, str], int] = field(default_factory=dict)


def chosen(samples: Sequence[ScoredSample], count: int, higher: bool = True) -> list[ScoredSample]:
    """Choose the worst samples, some of rare outcomes and some of the best; the worst first.

    Args:
        samples: samples; those with an undefined score are left out.
        count: number of samples.
        higher: whether a high score is better.
    """
    sign = 1.0 if higher else -1.0
    defined = [sample for sample in samples if not math.isnan(sample.value)]
    ranked = sorted(defined, key=lambda sample: (sign * sample.value, sample.id))
    if len(ranked) <= count:
        return ranked
    best, varied = count // _BEST, count // _VARIED
    rows = {*range(count - best - varied), *range(len(ranked) - best, len(ranked))}
    rows |= _rare(ranked, rows, varied)
    # Without rare outcomes there are more of the worst.
    rows |= set([row for row in range(len(ranked)) if row not in rows][: count - len(rows)])
    return [ranked[row] for row in sorted(rows)]


def _rare(ranked: Sequence[ScoredSample], rows: set[int], count: int) -> set[int]:
    """At most `count` further rows, with outcomes that few of `rows` have; the rarest first."""
    everywhere = Counter(outcome for sample in ranked for outcome in sample.outcomes)
    counts = Counter(outcome for row in rows for outcome in ranked[row].outcomes)
    added: set[int] = set()
    for outcome in sorted(everywhere, key=lambda outcome: (everywhere[outcome], outcome)):
        for row, sample in enumerate(ranked):
            if counts[outcome] >= _EACH or len(added) >= count:
                break
            if outcome in sample.outcomes and row not in rows and row not in added:
                added.add(row)
                counts.update(sample.outcomes.keys())
    return added
