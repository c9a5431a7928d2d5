"""Directions of scores: whether a high value is good, as the metrics declare."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence

from densefit.errors import ConfigError
from densefit.metrics.core.metric import Metric
from densefit.registry import nearest

_log = logging.getLogger("densefit")


class Directions(dict[str, bool | None]):
    """Score -> whether a high value is good, or None if undeclared, for all scores of a validation.

    Args:
        scores: the items.
        unscored: heads that the validation data have no labels for.
    """

    def __init__(self, scores: Mapping[str, bool | None], unscored: Sequence[str] = ()) -> None:
        super().__init__(scores)
        self.unscored = tuple(unscored)


def directions(metrics: Mapping[str, Sequence[Metric]]) -> dict[str, bool]:
    """Map "<head>/<number>" to whether a high value is good, for all numbers of the metrics.

    Args:
        metrics: head -> its metrics.
    """
    return {
        f"{head}/{key}": metric.prefers_high(key)
        for head, head_metrics in metrics.items()
        for metric in head_metrics
        for key in (metric.primary, *metric.compute())
    }


def stated_direction(stated: bool | None, declared: bool | None, score: str, where: str) -> bool:
    """Return the direction that a setting states, else that the metric declares for the score.

    Args:
        stated: None if the setting leaves it to the metric.
        declared: result of `direction_of`; a metric may have numbers of both directions.
        score: its full name.
        where: the setting.

    Raises:
        ConfigError: both are None.
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


def warn_undefined(score: str, values: Sequence[float], what: str, where: str) -> None:
    """Warn once if the first value of a score that a setting follows is nan.

    Args:
        score: its full name.
        values: values of all validations so far, including the last.
        what: the consequence.
        where: the setting that names it.
    """
    if len(values) == 1 and math.isnan(values[0]):
        _log.warning("%s: the score %r is nan: %s while it is", where, score, what)


def direction_of(
    score: str, declared: Mapping[str, bool | None], what: str, where: str
) -> bool | None:
    """Look up whether a high `score` is good; None if undeclared.

    Args:
        score: its full name.
        declared: result of `directions`.
        what: what the score is for, to end "the validation has no score ... ".
        where: the setting that names the score.

    Raises:
        ConfigError: there is no such score.
    """
    if score not in declared:
        unscored = getattr(declared, "unscored", ())
        head = next((head for head in unscored if head in score.split("/")[:2]), None)
        if head is not None:
            fix = f"validation data with labels for the head {head!r} (none of these has any), or "
            fix += nearest(score, declared)
        elif not declared:
            fix = "fit(..., validation=...): there are no scores without it"
        else:
            fix = nearest(score, declared)
        raise ConfigError(f"The validation has no score {score!r} {what}", where=where, fix=fix)
    return declared[score]
