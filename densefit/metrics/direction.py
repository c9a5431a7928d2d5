"""Whether a high score is good: what the metrics declare, by the scores' full names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from densefit.errors import ConfigError
from densefit.metrics.metric import Metric
from densefit.registry import nearest


def directions(judges: Mapping[str, Sequence[Metric]]) -> dict[str, bool]:
    """`<head>/<number>` -> whether a high one is good, of every number that validation will give.

    Args:
        judges: head -> its metrics.
    """
    return {
        f"{head}/{key}": metric.prefers_high(key)
        for head, metrics in judges.items()
        for metric in metrics
        for key in (metric.primary, *metric.compute())
    }


def direction_of(score: str, known: Mapping[str, bool], what: str, where: str) -> bool:
    """Whether a high `score` is good.

    Args:
        score: its full name.
        known: what `directions` gave.
        what: what the score is for, to end "the validation has no score ... ".
        where: the setting that names it.

    Raises:
        ConfigError: there is no such score.
    """
    if score not in known:
        raise ConfigError(
            f"The validation has no score {score!r} {what}",
            where=where,
            fix=nearest(score, known),
        )
    return known[score]
