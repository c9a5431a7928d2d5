"""Bootstrap confidence intervals: how much a score varies with the sample of the dataset.

Efron, "Bootstrap Methods: Another Look at the Jackknife", Annals of Statistics, 1979.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import cast

import numpy as np

from densefit.errors import ConfigError
from densefit.metrics.core.metric import Metric
from densefit.metrics.core.per_sample import PerSample
from densefit.metrics.core.sparse_state import SparseState, restored, vector
from densefit.registry import nearest

_ENTRIES = 1 << 23  # of a table of doubles: 64 MiB


def confidence_intervals(
    metric: PerSample,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    keys: Sequence[str] | Callable[[str], bool] | None = None,
) -> dict[str, tuple[float, float]]:
    """Compute percentile bootstrap intervals of a metric's numbers.

    A resample draws as many samples as there are, with replacement; the interval goes from the
    (1 - level) / 2 quantile of the resamples' numbers to the (1 + level) / 2 quantile. Numbers
    that are undefined in a resample are left out.

    The metric is computed for each resample: sums take milliseconds, the average precision of a
    large dataset takes its time `resamples` times.

    Args:
        metric: has seen the dataset; with `keep_states=True`, unless the wrapped metric stores all
            samples.
        resamples: number of resamples; the interval's ends are noisy below some hundreds.
        level: share of the resamples in the interval.
        seed: equal seeds give equal intervals for any order of the samples.
        keys: numbers of `compute()`, by name or by a function of the name; all by default.

    Returns:
        key -> (low, high); nan where the number is undefined in all resamples.

    Raises:
        ConfigError: a setting is wrong, or the metric has no states of samples.
    """
    if resamples < 1:
        raise ConfigError("A bootstrap needs resamples", expected="1 or more", received=resamples)
    if not 0.0 < level < 1.0:
        raise ConfigError(
            "The level of an interval is a share", expected="0 < level < 1", received=level
        )
    numbers: dict[str, np.ndarray] = {}
    samples = len(metric.values)
    if not samples:
        chosen = _chosen_keys(keys, metric.compute(), metric.name)
        numbers = {key: np.full(1, np.nan) for key in chosen}
    generator = np.random.default_rng(seed)
    count = 0
    while samples and count < resamples:
        size = min(max(1, _ENTRIES // samples), resamples - count)
        for values in resample(metric, _draw(generator, size, samples)):
            if not numbers:  # a resample has the keys of the dataset, which is not computed again
                chosen = _chosen_keys(keys, values, metric.name)
                numbers = {key: np.full(resamples, np.nan) for key in chosen}
            for key in numbers:
                numbers[key][count] = values.get(key, np.nan)
            count += 1
    ends = (50.0 * (1.0 - level), 50.0 * (1.0 + level))
    return {key: _percentiles(column, ends) for key, column in numbers.items()}


def _chosen_keys(
    keys: Sequence[str] | Callable[[str], bool] | None, numbers: Mapping[str, float], metric: str
) -> list[str]:
    """Select keys. Raises ConfigError for a key that the metric lacks."""
    if keys is None or callable(keys):
        return [key for key in numbers if keys is None or keys(key)]
    for key in keys:
        if key not in numbers:
            raise ConfigError(
                f"The metric {metric!r} has no number {key!r}", fix=nearest(key, numbers)
            )
    return list(keys)


def resample(metric: PerSample, counts: np.ndarray) -> Iterator[dict[str, float]]:
    """Compute a metric's numbers on datasets resampled from the same samples.

    Args:
        metric: as in `confidence_intervals`.
        counts: (R, n) integers: number of times that each of the n samples, in the order of their
            ids, is in each of the R datasets.

    Yields:
        The dict of `compute` for each dataset.

    Raises:
        ConfigError: the metric has no states of samples.
    """
    ids = sorted(metric.values)
    if metric.resampled({}) is not None:
        for row in counts:
            drawn = np.flatnonzero(row)
            yield metric.resampled({ids[index]: int(row[index]) for index in drawn}) or {}
        return
    if len(metric.samples) < len(ids):
        raise ConfigError(
            f"The metric {metric.name!r} keeps only sums, which cannot be resampled",
            expected="the state of each sample",
            received=f"{len(metric.samples)} states of {len(ids)} samples",
            fix="PerSample(metric, keep_states=True)",
        )
    samples = [metric.samples[key] for key in ids]
    sparse = [state for state in samples if isinstance(state, SparseState)]
    if sparse:
        yield from _resample_sums(metric.metric.fresh(), sparse, counts)
        return
    for row in counts:
        whole = metric.metric.fresh()
        for sample, count in zip(samples, row):
            for _ in range(count):
                whole.merge(cast(Metric, sample))
        yield whole.compute()


def _draw(generator: np.random.Generator, size: int, samples: int) -> np.ndarray:
    """Draw the number of times that each sample is in each resample, (size, samples) int64."""
    return np.stack(
        [
            np.bincount(generator.integers(0, samples, samples), minlength=samples)
            for _ in range(size)
        ]
    )


def _resample_sums(
    blank: Metric, samples: Sequence[SparseState], counts: np.ndarray
) -> Iterator[dict[str, float]]:
    """`resample` additive metrics by a matrix product in place of merges."""
    template = blank.state_dict()
    entries = len(vector(template))
    rows = max(1, _ENTRIES // max(entries, 1))
    for first in range(0, len(counts), rows):
        drawn = counts[first : first + rows].astype(np.float64)  # exact up to 2**53, like sums
        sums = np.zeros((len(drawn), entries))
        for start in range(0, len(samples), rows):
            table = np.stack([state.vector() for state in samples[start : start + rows]])
            weights = drawn[:, start : start + rows]
            # A sample that is not drawn must not matter, and 0 * nan is nan.
            wild = ~np.isfinite(table)
            for row in np.flatnonzero(wild.any(axis=1)):
                sums[weights[:, row] > 0] += np.where(wild[row], table[row], 0.0)
            table[wild] = 0.0
            sums += weights @ table
        for total in sums:
            blank.load_state_dict(restored(template, total))
            yield blank.compute()


def _percentiles(values: np.ndarray, ends: tuple[float, float]) -> tuple[float, float]:
    defined = values[~np.isnan(values)]
    if not defined.size:
        return float("nan"), float("nan")
    low, high = np.percentile(defined, ends)
    return float(low), float(high)
