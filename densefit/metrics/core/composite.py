"""Composite score of a network of several heads, to select its best checkpoint."""

from __future__ import annotations

import math
from collections.abc import Mapping

from densefit.errors import ConfigError
from densefit.metrics.core.direction import direction_of, stated_direction
from densefit.registry import nearest


class Composite:
    """Mean over heads of their primary scores, each converted so that higher is better.

    `mean over heads k of u_k`, where u_k is the score if a high value is good, and
    `1 / (1 + score)` if it is an error of 0 or more: 1 without error, decreasing towards 0. A head
    that is scored on several datasets counts with the mean over them. nan if any score is nan: a
    mean over fewer heads would be a different number.

    Scores from 0 to 1 have equal weight. An error counts by its unit: between 0.4 and 0.2 metres
    lie 0.12, between 20 and 10 degrees 0.04. To compare trainings, see `delta_m`.

    >>> composite = Composite({"boxes": {"boxes/AP": True}, "depth": {"depth/abs_rel": False}})
    >>> composite({"boxes/AP": 0.5, "boxes/AP50": 0.8, "depth/abs_rel": 0.25})
    0.65

    Args:
        numbers: head -> full name of its score -> whether a high value is good; several names if
            the head is scored on several datasets.

    Attributes:
        higher_is_better: always True.

    Raises:
        ConfigError: no head, or a head without a score; before a training, or when called: a score
            is missing.
    """

    higher_is_better = True

    def __init__(self, numbers: Mapping[str, Mapping[str, bool]]) -> None:
        self.numbers = {head: dict(names) for head, names in numbers.items()}
        lacking = [head for head, names in self.numbers.items() if not names]
        if lacking or not self.numbers:
            raise ConfigError(
                "A composite is made of a score of each head",
                received=f"none of the heads {lacking}" if lacking else "no head",
                where="Composite",
            )

    def check(self, scores: Mapping[str, bool], where: str = "Composite") -> None:
        """Check the names against the scores that a validation will have.

        A direction that contradicts its metric is logged, and takes precedence.

        Args:
            scores: score -> whether a high value is good.
            where: what the composite is for, to be named in errors.

        Raises:
            ConfigError: a score is not among them.
        """
        for head, names in self.numbers.items():
            for name, high in names.items():
                there = f"{where}, head {head}"
                declared = direction_of(name, scores, "for the composite", there)
                stated_direction(high, declared, name, there)

    def __call__(self, scores: Mapping[str, float]) -> float:
        """Compute the composite of a validation's scores."""
        means = []
        for head, names in self.numbers.items():
            for name in names:
                if name not in scores:
                    raise ConfigError(
                        f"The composite has no score {name!r}",
                        where=f"Composite, head {head}",
                        fix=nearest(name, scores),
                    )
            means.append(_mean([turned(scores[name], high) for name, high in names.items()]))
        return _mean(means)


def turned(score: float, higher_is_better: bool) -> float:
    """Convert a score so that a high value is good; nan for a negative error.

    >>> turned(0.7, True), turned(3.0, False)
    (0.7, 0.25)
    """
    if higher_is_better:
        return float(score)
    return 1.0 / (1.0 + score) if score >= 0 else math.nan


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)
