"""One number for a network of several heads, to choose its best checkpoint by."""

from __future__ import annotations

import math
from collections.abc import Mapping

from densefit.errors import ConfigError
from densefit.metrics.core.direction import direction_of, stated_direction
from densefit.registry import nearest


class Composite:
    """The mean over heads of what each is judged by, each turned so that higher is better.

    `mean over heads k of u_k`, where u_k is the score itself if a high one is good, and
    `1 / (1 + score)` if it is an error, 0 or more: 1 for none, falling towards 0. A head that is
    scored on several datasets counts with the mean over them. nan as long as one score is: a mean
    over other heads would be another number.

    Scores from 0 to 1 count alike. An error counts by its unit: between 0.4 and 0.2 metres lie
    0.12, between 20 and 10 degrees 0.04. For how several trainings compare, see `delta_m`.

    >>> judge = Composite({"boxes": {"boxes/AP": True}, "depth": {"depth/abs_rel": False}})
    >>> judge({"boxes/AP": 0.5, "boxes/AP50": 0.8, "depth/abs_rel": 0.25})
    0.65

    Args:
        numbers: head -> full name of its score -> whether a high one is good; several names if it
            is scored on several datasets.

    Attributes:
        higher_is_better: always.

    Raises:
        ConfigError: no head, or one without a score; before a training, or when called: a score is
            not there.
    """

    higher_is_better = True

    def __init__(self, numbers: Mapping[str, Mapping[str, bool]]) -> None:
        self.numbers = {head: dict(own) for head, own in numbers.items()}
        lacking = [head for head, own in self.numbers.items() if not own]
        if lacking or not self.numbers:
            raise ConfigError(
                "A composite is made of a score of each head",
                received=f"none of the heads {lacking}" if lacking else "no head",
                where="Composite",
            )

    def check(self, known: Mapping[str, bool], where: str = "Composite") -> None:
        """Compare with the scores that a validation will have, before there are any.

        A direction that its metric does not declare is told in the log, and counts.

        Args:
            known: score -> whether a high one is good.
            where: what the composite is for, to be named.

        Raises:
            ConfigError: a score is not among them.
        """
        for head, own in self.numbers.items():
            for name, high in own.items():
                there = f"{where}, head {head}"
                declared = direction_of(name, known, "for the composite", there)
                stated_direction(high, declared, name, there)

    def __call__(self, scores: Mapping[str, float]) -> float:
        """The number of a validation's scores."""
        means = []
        for head, own in self.numbers.items():
            for name in own:
                if name not in scores:
                    raise ConfigError(
                        f"The composite has no score {name!r}",
                        where=f"Composite, head {head}",
                        fix=nearest(name, scores),
                    )
            means.append(_mean([turned(scores[name], high) for name, high in own.items()]))
        return _mean(means)


def turned(score: float, higher_is_better: bool) -> float:
    """A score as a number of which a high one is good; nan for a negative error.

    >>> turned(0.7, True), turned(3.0, False)
    (0.7, 0.25)
    """
    if higher_is_better:
        return float(score)
    return 1.0 / (1.0 + score) if score >= 0 else math.nan


def _mean(values: list[float]) -> float:
    return math.fsum(values) / len(values)
