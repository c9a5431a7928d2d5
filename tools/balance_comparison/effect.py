"""Whether a way of training is better than another, by the seeds that both were run with.

Each method is compared with one control by a paired t test. The p-values of all methods are
corrected together (Holm, Scandinavian Journal of Statistics 1979), and their intervals hold
together (Bonferroni): with five methods that are all as good as the control, one is called
different in at most 5 % of comparisons. That two methods do not differ is only said where the whole
interval lies within a margin (Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 1987).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from densefit.errors import ConfigError, MissingPackageError

LEVEL = 0.05  # errors among all methods together
MARGIN = 0.005  # half a point: smaller differences are none
POWER = 0.8
_MOST_SEEDS = 1000


@dataclass(frozen=True)
class Effect:
    """The difference between a method and the control, over seeds.

    Attributes:
        mean: mean of the differences; above 0 the method is better.
        low: lower end of the interval, which holds for all methods together.
        high: upper end.
        p: corrected p-value of no difference; nan for one seed.
        seeds: number of pairs.
        smallest: smallest difference that so many seeds show with a probability of 80 %.
        needed: seeds that would decide, if mean and deviation stay; None if it is decided, or if
            more than 1,000 were needed.
    """

    mean: float
    low: float
    high: float
    p: float
    seeds: int
    smallest: float
    needed: int | None

    @property
    def differs(self) -> bool:
        """Whether there is a difference."""
        return bool(self.p < LEVEL)

    @property
    def is_equal(self) -> bool:
        """Whether any difference is less than the margin."""
        return bool(-MARGIN < self.low and self.high < MARGIN)

    @property
    def verdict(self) -> str:
        """The conclusion in a few words."""
        points = 100 * MARGIN
        if self.differs:
            word = "better" if self.mean > 0 else "worse"
            return f"{word}, by less than {points:g} points" if self.is_equal else word
        if self.is_equal:
            return f"does not differ by {points:g} points"
        if self.seeds < 2:
            return "undecided, 2 seeds or more needed"
        if self.needed is None:
            return f"undecided, over {_MOST_SEEDS:,} seeds needed"
        return f"undecided, {self.needed} seeds needed"


def effects(differences: Mapping[str, Sequence[float]]) -> dict[str, Effect]:
    """Compare methods with a control.

    Args:
        differences: method -> its score less the control's, for each seed that both have; one
            score for all heads, such as delta-m, as a fraction.

    Raises:
        ConfigError: a method without a seed, or a difference that is not finite.
    """
    for name, values in differences.items():
        if not values or not np.isfinite(values).all():
            raise ConfigError(
                f"The differences of {name!r} cannot be compared",
                expected="a finite number for each seed",
                received=list(values),
            )
    count = len(differences)
    corrected = _holm({name: _p_value(values) for name, values in differences.items()})
    return {
        name: _effect(np.asarray(values, float), corrected[name], count)
        for name, values in differences.items()
    }


def _effect(values: np.ndarray, p: float, count: int) -> Effect:
    """The effect of one of `count` methods."""
    seeds, mean = len(values), float(values.mean())
    if seeds < 2:
        return Effect(mean, -math.inf, math.inf, math.nan, seeds, math.inf, None)
    deviation = float(values.std(ddof=1))
    half = _half_width(deviation, seeds, count)
    quantiles = _quantile(1 - LEVEL / count / 2, seeds) + _quantile(POWER, seeds)
    decided = p < LEVEL or (-MARGIN < mean - half and mean + half < MARGIN)
    needed = None if decided else _needed(mean, deviation, seeds, count)
    smallest = quantiles * deviation / math.sqrt(seeds)
    return Effect(mean, mean - half, mean + half, p, seeds, smallest, needed)


def _needed(mean: float, deviation: float, seeds: int, count: int) -> int | None:
    """The first number of seeds whose interval excludes 0, or lies within the margin."""
    numbers = np.arange(seeds + 1, _MOST_SEEDS + 1)
    half = _quantiles(count)[seeds:] * deviation / np.sqrt(numbers)
    decides = (half < abs(mean)) | (abs(mean) + half < MARGIN)
    return int(numbers[decides][0]) if decides.any() else None


def _half_width(deviation: float, seeds: int, count: int) -> float:
    """Half of the interval of a mean, at the level of one of `count`."""
    return _quantile(1 - LEVEL / count / 2, seeds) * deviation / math.sqrt(seeds)


def _special() -> Any:
    """SciPy's functions, many times as fast as its tests. Raises MissingPackageError."""
    try:
        from scipy import special
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            "Comparing seeds needs the package SciPy, which is not installed",
            fix='pip install "densefit[balance]"',
        ) from error
    return special


@lru_cache(maxsize=8)
def _quantiles(count: int) -> np.ndarray:
    """Student's t at the level of one of `count`, for 1, 2, ... seeds."""
    degrees = np.arange(_MOST_SEEDS)
    return np.asarray(_special().stdtrit(degrees, 1 - LEVEL / count / 2))


@lru_cache(maxsize=256)
def _quantile(probability: float, seeds: int) -> float:
    return float(_special().stdtrit(seeds - 1, probability))


def _p_value(values: Sequence[float]) -> float:
    """Two-sided p-value of a paired t test; nan for one pair."""
    if len(values) < 2:
        return math.nan
    if len(set(values)) == 1:  # no deviation: the t is infinite, or 0 / 0
        return 1.0 if values[0] == 0 else 0.0
    differences = np.asarray(values, float)
    t = differences.mean() / (differences.std(ddof=1) / math.sqrt(len(values)))
    return float(2 * _special().stdtr(len(values) - 1, -abs(t)))


def _holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Corrected p-values; nan stays nan, and counts as a test."""
    order = sorted(p_values, key=lambda name: (math.isnan(p_values[name]), p_values[name]))
    corrected, largest = {}, 0.0
    for rank, name in enumerate(order):
        largest = max(largest, min(1.0, (len(order) - rank) * p_values[name]))
        corrected[name] = math.nan if math.isnan(p_values[name]) else largest
    return corrected
