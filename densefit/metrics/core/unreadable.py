"""Scores of fewer samples than a dataset has: some could not be read, and were left out."""

from __future__ import annotations

import logging
from collections.abc import Mapping

_log = logging.getLogger("densefit")

#: Names of the two counts among the scores of such a pass; of several datasets,
#: "<dataset>/samples/scored".
SCORED, UNREADABLE = "samples/scored", "samples/unreadable"


def sample_counts(scored: int, unreadable: int) -> dict[str, float]:
    """The counts as scores; empty if all samples could be read."""
    return {SCORED: float(scored), UNREADABLE: float(unreadable)} if unreadable else {}


def unreadable_in(scores: Mapping[str, float]) -> int:
    """Number of samples that the scores lack, of all datasets.

    >>> unreadable_in({"a/mIoU": 0.5}), unreadable_in({"x/samples/unreadable": 2.0})
    (0, 2)
    """
    return sum(int(value) for key, value in scores.items() if _is(key, UNREADABLE))


def without_counts(scores: Mapping[str, float]) -> dict[str, float]:
    """The scores alone.

    >>> without_counts({"a/mIoU": 0.5, "samples/scored": 7.0, "samples/unreadable": 1.0})
    {'a/mIoU': 0.5}
    """
    return {k: value for k, value in scores.items() if not (_is(k, UNREADABLE) or _is(k, SCORED))}


def counts_text(samples: int, unreadable: int) -> str:
    """What was scored.

    >>> counts_text(20, 0), counts_text(20, 3)
    ('20 samples', '17 of 20 samples, 3 unreadable,')
    """
    if not unreadable:
        return f"{samples} samples"
    return f"{samples - unreadable} of {samples} samples, {unreadable} unreadable,"


class ComparableScores:
    """Compare only validations that lack equally many samples, the fewest so far.

    Args:
        purpose: what the scores are compared for, in a log line.
    """

    def __init__(self, purpose: str) -> None:
        self._purpose = purpose
        self._fewest: int | None = None

    def begins_anew(self, scores: Mapping[str, float]) -> bool:
        """Whether fewer samples are unreadable than in all validations before."""
        unreadable = unreadable_in(scores)
        is_fewer = self._fewest is not None and unreadable < self._fewest
        if self._fewest is None or is_fewer:
            self._fewest = unreadable
        return is_fewer

    def are_comparable(self, scores: Mapping[str, float]) -> bool:
        """Whether no more samples are unreadable than before; if not, a warning says so."""
        unreadable = unreadable_in(scores)
        if self._fewest is None or unreadable <= self._fewest:
            return True
        _log.warning(
            "%d samples of a validation are unreadable, and %d before: its scores are not compared "
            "%s",
            *(unreadable, self._fewest, self._purpose),
        )
        return False


def _is(key: str, name: str) -> bool:
    return key == name or key.endswith(f"/{name}")
