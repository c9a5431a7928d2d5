"""How far a score might be off because the dataset is only a sample: bootstrap intervals.

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
    """Percentile bootstrap intervals of a metric's numbers.

    A resample draws as many samples as there are, with replacement; the interval goes from the
    (1 - level) / 2 quantile of the resamples' numbers to the (1 + level) / 2 quantile. Numbers
    that are undefined in a resample are left out.

    The whole metric is computed for each resample: sums take milliseconds, the average precision
    of a large dataset its own time, `resamples` times.

    Args:
        metric: has seen the dataset; with `keep_states=True`, unless the wrapped metric keeps all
            samples itself.
        resamples: how many are drawn; the interval's ends are noisy below some hundreds.
        level: the share of resamples in the interval.
        seed: equal seeds give equal intervals, in whatever order the samples came.
        keys: which numbers of `compute()`, by name or by a function of the name; all by default.

    Returns:
        key -> (low, high); nan where the number is undefined in all resamples.

    Raises:
        ConfigError: a setting is wrong, or the metric has not kept the samples' states.
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
        numbers = {key: np.full(1, np.nan) for key in _chosen(keys, metric.compute(), metric.name)}
    generator = np.random.default_rng(seed)
    found = 0
    while samples and found < resamples:
        size = min(max(1, _ENTRIES // samples), resamples - found)
        for one in resample(metric, _draw(generator, size, samples)):
            if not numbers:  # a resample has all that the whole has, which is not computed again
                chosen = _chosen(keys, one, metric.name)
                numbers = {key: np.full(resamples, np.nan) for key in chosen}
            for key in numbers:
                numbers[key][found] = one.get(key, np.nan)
            found += 1
    ends = (50.0 * (1.0 - level), 50.0 * (1.0 + level))
    return {key: _percentiles(values, ends) for key, values in numbers.items()}


def _chosen(
    keys: Sequence[str] | Callable[[str], bool] | None, known: Mapping[str, float], metric: str
) -> list[str]:
    """The keys that are asked for. Raises ConfigError if one is not known."""
    if keys is None or callable(keys):
        return [key for key in known if keys is None or keys(key)]
    for key in keys:
        if key not in known:
            raise ConfigError(
                f"The metric {metric!r} has no number {key!r}", fix=nearest(key, known)
            )
    return list(keys)


def resample(metric: PerSample, counts: np.ndarray) -> Iterator[dict[str, float]]:
    """A metric's numbers on other datasets, made of the same samples.

    Args:
        metric: as in `confidence_intervals`.
        counts: (R, n) integers: how often each of the n samples, in the order of their ids, is
            in each of the R datasets.

    Yields:
        What `compute` gives for each dataset.

    Raises:
        ConfigError: the metric has not kept the samples' states.
    """
    ids = sorted(metric.values)
    if metric.resampled({}) is not None:
        for row in counts:
            drawn = np.flatnonzero(row)
            yield metric.resampled({ids[place]: int(row[place]) for place in drawn}) or {}
        return
    if len(metric.samples) < len(ids):
        raise ConfigError(
            f"The metric {metric.name!r} keeps only sums, which cannot be resampled",
            expected="the state of each sample",
            received=f"{len(metric.samples)} states of {len(ids)} samples",
            fix="PerSample(metric, keep_states=True)",
        )
    samples = [metric.samples[key] for key in ids]
    sparse = [one for one in samples if isinstance(one, SparseState)]
    if sparse:
        yield from _added(metric.metric.fresh(), sparse, counts)
        return
    for row in counts:
        whole = metric.metric.fresh()
        for one, count in zip(samples, row):
            for _ in range(count):
                whole.merge(cast(Metric, one))
        yield whole.compute()


def _draw(generator: np.random.Generator, size: int, samples: int) -> np.ndarray:
    """(size, samples) int64: how often each sample is in each resample."""
    return np.stack(
        [
            np.bincount(generator.integers(0, samples, samples), minlength=samples)
            for _ in range(size)
        ]
    )


def _added(
    blank: Metric, samples: Sequence[SparseState], counts: np.ndarray
) -> Iterator[dict[str, float]]:
    """`resample` of metrics that are `additive`: a matrix product in place of merges."""
    template = blank.state_dict()
    entries = len(vector(template))
    rows = max(1, _ENTRIES // max(entries, 1))
    for first in range(0, len(counts), rows):
        some = counts[first : first + rows].astype(np.float64)  # exact up to 2**53, as the sums
        sums = np.zeros((len(some), entries))
        for start in range(0, len(samples), rows):
            table = np.stack([one.vector() for one in samples[start : start + rows]])
            weights = some[:, start : start + rows]
            # A sample that is not drawn must not matter, and 0 * nan is nan.
            wild = ~np.isfinite(table)
            for place in np.flatnonzero(wild.any(axis=1)):
                sums[weights[:, place] > 0] += np.where(wild[place], table[place], 0.0)
            table[wild] = 0.0
            sums += weights @ table
        for one in sums:
            blank.load_state_dict(restored(template, one))
            yield blank.compute()


def _percentiles(values: np.ndarray, ends: tuple[float, float]) -> tuple[float, float]:
    defined = values[~np.isnan(values)]
    if not defined.size:
        return float("nan"), float("nan")
    low, high = np.percentile(defined, ends)
    return float(low), float(high)
