"""How far a score might be off because the dataset is only a sample: bootstrap intervals.

Efron, "Bootstrap Methods: Another Look at the Jackknife", Annals of Statistics, 1979.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from densefit.errors import ConfigError
from densefit.metrics.metric import Metric
from densefit.metrics.per_sample import PerSample
from densefit.metrics.state import SETTINGS
from densefit.registry import nearest

_ENTRIES = 1 << 23  # of a table of doubles: 64 MiB


def confidence_intervals(
    metric: PerSample,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
    keys: Sequence[str] | None = None,
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
        keys: which numbers of `compute()`; all of them by default.

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
    known = list(metric.compute())
    for key in keys or ():
        if key not in known:
            raise ConfigError(
                f"The metric {metric.name!r} has no number {key!r}", fix=nearest(key, known)
            )
    chosen = known if keys is None else list(keys)
    numbers = {key: np.full(resamples, np.nan) for key in chosen}
    samples = len(metric.values)
    if samples:
        generator = np.random.default_rng(seed)
        found = 0
        while found < resamples:
            size = min(max(1, _ENTRIES // samples), resamples - found)
            for one in resample(metric, _draw(generator, size, samples)):
                for key in chosen:
                    numbers[key][found] = one.get(key, np.nan)
                found += 1
    ends = (50.0 * (1.0 - level), 50.0 * (1.0 + level))
    return {key: _percentiles(values, ends) for key, values in numbers.items()}


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
    if metric.metric.additive and samples:
        yield from _added(samples, counts)
        return
    for row in counts:
        whole = metric.metric.fresh()
        for one, count in zip(samples, row):
            for _ in range(count):
                whole.merge(one)
        yield whole.compute()


def _draw(generator: np.random.Generator, size: int, samples: int) -> np.ndarray:
    """(size, samples) int64: how often each sample is in each resample."""
    return np.stack(
        [
            np.bincount(generator.integers(0, samples, samples), minlength=samples)
            for _ in range(size)
        ]
    )


def _added(samples: Sequence[Metric], counts: np.ndarray) -> Iterator[dict[str, float]]:
    """`resample` of metrics that are `additive`: a matrix product in place of merges."""
    blank = samples[0].fresh()
    template = blank.state_dict()
    entries = len(_vector(template))
    rows = max(1, _ENTRIES // max(entries, 1))
    for first in range(0, len(counts), rows):
        some = counts[first : first + rows].astype(np.float64)  # exact up to 2**53, as the sums
        sums = np.zeros((len(some), entries))
        for start in range(0, len(samples), rows):
            table = np.stack([_vector(one.state_dict()) for one in samples[start : start + rows]])
            weights = some[:, start : start + rows]
            # A sample that is not drawn must not matter, and 0 * nan is nan.
            wild = ~np.isfinite(table)
            for place in np.flatnonzero(wild.any(axis=1)):
                sums[weights[:, place] > 0] += np.where(wild[place], table[place], 0.0)
            table[wild] = 0.0
            sums += weights @ table
        for one in sums:
            blank.load_state_dict(_filled(template, iter(_split(template, one))))
            yield blank.compute()


def _leaves(state: Any) -> list[Any]:
    """The numbers and arrays of a state, in its order, without its settings."""
    if isinstance(state, Mapping):
        counted = [value for key, value in state.items() if key != SETTINGS]
        return [leaf for value in counted for leaf in _leaves(value)]
    if isinstance(state, (list, tuple)):
        return [leaf for value in state for leaf in _leaves(value)]
    return [state]


def _vector(state: Any) -> np.ndarray:
    """All numbers of a state, (S,) float64."""
    parts = [np.asarray(leaf, np.float64).ravel() for leaf in _leaves(state)]
    return np.concatenate(parts) if parts else np.zeros(0)


def _split(template: Any, vector: np.ndarray) -> list[Any]:
    """The leaves of a state like `template` with the numbers of `vector`, in their own types."""
    leaves = []
    for leaf in _leaves(template):
        like = np.asarray(leaf)
        part = vector[: like.size].astype(like.dtype).reshape(like.shape)
        leaves.append(part if isinstance(leaf, np.ndarray) else part.item())
        vector = vector[like.size :]
    return leaves


def _filled(template: Any, leaves: Iterator[Any]) -> Any:
    """`template` with other leaves."""
    if isinstance(template, Mapping):
        return {
            key: value if key == SETTINGS else _filled(value, leaves)
            for key, value in template.items()
        }
    if isinstance(template, (list, tuple)):
        return [_filled(value, leaves) for value in template]
    return next(leaves)


def _percentiles(values: np.ndarray, ends: tuple[float, float]) -> tuple[float, float]:
    defined = values[~np.isnan(values)]
    if not defined.size:
        return float("nan"), float("nan")
    low, high = np.percentile(defined, ends)
    return float(low), float(high)
