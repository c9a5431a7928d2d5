"""Weighted mean of several scores, to select the best checkpoint or to stop by."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Real

from densefit.errors import ConfigError
from densefit.metrics.core.composite import turned
from densefit.metrics.core.direction import direction_of
from densefit.registry import nearest


class WeightedScores:
    """Weighted mean of scores, each converted so that higher is better.

    `sum_k w_k u_k / sum_k w_k`, where u_k is the score if its metric declares that a high value is
    good, and `1 / (1 + score)` if it is an error, as in `Composite`. nan while a score is nan.

    >>> both = WeightedScores({"boxes/AP": 1, "depth/abs_rel": 3})
    >>> both.check({"boxes/AP": True, "boxes/AP50": True, "depth/abs_rel": False})
    >>> round(both({"boxes/AP": 0.4, "boxes/AP50": 0.8, "depth/abs_rel": 0.25}), 6)
    0.7

    Args:
        weights: full name of a score, or a head for its first score (the mean over the datasets
            that it is scored on), -> its weight, above 0.

    Attributes:
        higher_is_better: always True.

    Raises:
        ConfigError: no score, or a weight that is not a number above 0; before a training: a score
            that the validation does not have, or whose metric declares no direction.
    """

    higher_is_better = True

    def __init__(self, weights: Mapping[str, float]) -> None:
        self.weights = dict(weights)
        wrong = [name for name, weight in self.weights.items() if not _is_weight(weight)]
        if wrong or not self.weights:
            raise ConfigError(
                "Several scores are weighed by numbers above 0",
                expected='score or head -> weight, {"first/AP": 1, "second/mIoU": 2}',
                received=self.weights,
                where=f"score {wrong[0]!r}" if wrong else "WeightedScores",
                fix="leave out a score that does not count",
            )
        self._directions: dict[str, dict[str, bool]] = {}

    def __repr__(self) -> str:
        return f"WeightedScores({self.weights})"

    def check(self, scores: Mapping[str, bool | None], where: str = "WeightedScores") -> None:
        """Find the scores, and their directions, among those that a validation will have.

        Args:
            scores: score -> whether a high value is good.
            where: what the mean is for, to be named in errors.

        Raises:
            ConfigError: a score is not among them, or has no direction.
        """
        self._directions = {}
        for key in self.weights:
            self._directions[key] = {
                name: _direction(name, scores, where) for name in _scores_of(key, scores)
            }

    def __call__(self, scores: Mapping[str, float]) -> float:
        """Compute the weighted mean of a validation's scores."""
        total = 0.0
        for key, weight in self.weights.items():
            names = self._directions.get(key)
            if names is None:
                raise ConfigError(
                    "The directions of the scores are not known yet",
                    where=f"{self!r}",
                    fix="call check(scores) first, as fit(derived=...) does",
                )
            missing = next((name for name in names if name not in scores), None)
            if missing is not None:
                raise ConfigError(
                    f"The validation has no score {missing!r}",
                    where=f"{self!r}",
                    fix=nearest(missing, scores),
                )
            values = [turned(scores[name], high) for name, high in names.items()]
            total += weight * math.fsum(values) / len(values)
        return total / math.fsum(self.weights.values())


def _is_weight(weight: object) -> bool:
    is_number = isinstance(weight, Real) and not isinstance(weight, bool)
    return is_number and 0 < float(weight) < math.inf  # type: ignore[arg-type]


def _scores_of(key: str, scores: Mapping[str, bool | None]) -> list[str]:
    """Full names of the scores that a key names: a score, or the first one of a head."""
    if key in scores:
        return [key]
    first: dict[str, str] = {}  # dataset -> the head's first score on it
    for name in scores:
        # `head/score`, or `dataset/head/score`: a dataset may be called as a head is.
        *dataset, head, _ = ["", *name.split("/")] if "/" in name else ["", "", name]
        if head == key and len(dataset) <= 2:
            first.setdefault("/".join(dataset), name)
    return list(first.values()) or [key]


def _direction(name: str, scores: Mapping[str, bool | None], where: str) -> bool:
    high = direction_of(name, scores, "for the weighted mean", where)
    if high is None:
        raise ConfigError(
            f"Whether a high {name!r} is good is not known",
            where=where,
            fix="weigh scores whose metrics declare it, or give fit(derived=...) a function",
        )
    return high
