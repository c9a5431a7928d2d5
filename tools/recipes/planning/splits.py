"""Which splits of a folder are trained on, validated and scored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from densefit.data.hash_split import hash_split
from densefit.data.sample_id import sample_id
from densefit.tools.recipes.data.split_dataset import existing_splits, make_dataset

_WHOLE = {"train": 0.7, "val": 0.15, "test": 0.15}
_WITH_TEST = {"train": 0.85, "val": 0.15}
_SEEDS = 100  # that are tried
_NEAR = 0.75  # of the samples that a split should have


def plan_splits(data: Any, where: str = "data") -> str:
    """Set the splits of a dataset to its own, and divide what they lack; says what was decided.

    Args:
        data: settings of the dataset, which are changed: `splits`, `validation`, `test`.
        where: name of the settings, for errors.
    """
    existing = existing_splits(data, where)
    if data.train not in existing:
        text = "divided by their names"
        whole = replace(data, splits={"all": 1.0}, train="all")
        return f"{text}: {_divide(data, _WHOLE, whole, where)}"
    if data.validation in existing:
        if data.test not in existing:
            data.test = None
            return "the folder's own splits; without a test split, the validation split is scored"
        return "the folder's own splits"
    of = {"of": data.train}
    if data.test in existing:
        counts = _divide(data, _WITH_TEST, data, where, of)
        return f"the folder's own test split, and its training split divided by names: {counts}"
    return f"the training split, divided by names: {_divide(data, _WHOLE, data, where, of)}"


def _divide(
    data: Any,
    fractions: Mapping[str, float],
    source: Any,
    where: str,
    more: Mapping[str, str] | None = None,
) -> str:
    """Set `splits`; returns the number of samples of each, as text.

    Args:
        data: settings of the dataset, which are changed.
        fractions: split -> its part of the samples.
        source: settings of a dataset whose split `train` has the samples.
        where: name of the settings, for errors.
        more: further settings of the splits.
    """
    dataset = make_dataset(source, source.train, where)
    names = [sample_id(dataset, index) for index in range(len(dataset))]
    seed = balanced_seed(names, fractions)
    data.splits = {**fractions, **({"seed": seed} if seed else {}), **(more or {})}
    counts = Counter(hash_split(names, fractions, seed))
    return ", ".join(f"{name} {counts[name]}" for name in fractions)


def balanced_seed(names: Sequence[str], fractions: Mapping[str, float]) -> int:
    """First seed by which each split has about its part of the samples.

    The hash of few names may leave a split empty: with seed 0 that of 7 % of the folders of 20
    images, and of 35 % of those of 10.

    >>> balanced_seed([f"{n}.jpg" for n in range(12)], {"train": 0.7, "val": 0.15, "test": 0.15})
    5

    Args:
        names: names of the samples.
        fractions: split -> its part of the samples.
    """
    best, most = 0, -1.0
    for seed in range(_SEEDS):
        counts = Counter(hash_split(names, fractions, seed))
        least = min(counts[name] / (part * len(names)) for name, part in fractions.items())
        if least >= _NEAR:
            return seed
        if least > most:
            best, most = seed, least
    return best
