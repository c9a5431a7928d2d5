"""Whether a high score is good: what the metrics declare, by the scores' full names."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence

from densefit.errors import ConfigError
from densefit.metrics.core.metric import Metric
from densefit.registry import nearest

_log = logging.getLogger("densefit")


class Directions(dict[str, bool | None]):
    """Score -> whether a high one is good, of all that a validation will give; None if unsaid.

    Args:
        known: these.
        unscored: heads that the validation has no labels for.
    """

    def __init__(self, known: Mapping[str, bool | None], unscored: Sequence[str] = ()) -> None:
        super().__init__(known)
        self.unscored = tuple(unscored)


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


def stated_direction(stated: bool | None, declared: bool | None, score: str, where: str) -> bool:
    """The direction that a setting states, else the one that the metric declares for the number.

    Args:
        stated: None if the setting leaves it to the metric.
        declared: what `direction_of` gave; a metric may have numbers of both directions.
        score: its full name.
        where: the setting.

    Raises:
        ConfigError: neither says it.
    """
    if stated is None and declared is None:
        raise ConfigError(
            f"Whether a high {score!r} is good is not known",
            where=where,
            fix="higher_is_better=True, or False for losses and errors",
        )
    if stated is not None and declared is not None and stated != declared:
        _log.warning(
            "%s: higher_is_better=%s is stated for %r, whose metric declares %s. What is stated "
            "counts; leave it out if it was meant for another number",
            *(where, stated, score, declared),
        )
    return bool(declared if stated is None else stated)


def tell_undefined(score: str, values: Sequence[float], what: str, where: str) -> None:
    """Log the first time that a score which something follows is nan; so has every one been.

    Args:
        score: its full name.
        values: of all validations so far, the last one included.
        what: what follows from it.
        where: the setting that names it.
    """
    if len(values) == 1 and math.isnan(values[0]):
        _log.warning("%s: the score %r is nan: %s while it is", where, score, what)


def direction_of(
    score: str, known: Mapping[str, bool | None], what: str, where: str
) -> bool | None:
    """Whether a high `score` is good; None if what makes it does not say.

    Args:
        score: its full name.
        known: what `directions` gave.
        what: what the score is for, to end "the validation has no score ... ".
        where: the setting that names it.

    Raises:
        ConfigError: there is no such score.
    """
    if score not in known:
        head = next((h for h in getattr(known, "unscored", ()) if h in score.split("/")[:2]), None)
        if head is not None:
            fix = f"validation data with labels for the head {head!r} (none of these has any), or "
            fix += nearest(score, known)
        elif not known:
            fix = "fit(..., validation=...): there are no scores without it"
        else:
            fix = nearest(score, known)
        raise ConfigError(f"The validation has no score {score!r} {what}", where=where, fix=fix)
    return known[score]
