"""Order of the samples of an epoch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np

from densefit.data.sample import Dataset
from densefit.errors import ConfigError


class Order(Protocol):
    """Order of the samples of each epoch, a function of (seed, epoch) alone.

    A dataset can have its own order, by a method `order(shuffle, batch_size)` that loaders call
    (see `Mixture`). For loaders that drop an incomplete last batch it can have a second one,
    `dropping_order(shuffle, batch_size, skips)`, whose epochs are whole batches; without it such a
    loader truncates each epoch.

    Attributes:
        exact: whether every epoch visits every sample once.
        grouped: whether the order groups samples into batches; none may then be skipped.
        drops_by_chance: optional; whether the last samples of an epoch are random ones.
    """

    @property
    def exact(self) -> bool: ...

    @property
    def grouped(self) -> bool: ...

    def __len__(self) -> int:
        """Samples per epoch, the same in each."""

    def indices(self, seed: int, epoch: int) -> np.ndarray | Sequence[int]:
        """(len,) int64 visits of an epoch; each batch takes the next batch_size of them.

        A sequence may compute them as they are read; its slices are sequences, too.

        A visit is a sample's index in the dataset, plus the dataset's length for each earlier
        visit of the sample in the epoch, so that repetitions are transformed differently.
        """


class PlainOrder:
    """Visit every sample once: the default order of a dataset.

    Args:
        length: length of the dataset.
        shuffle: whether to shuffle each epoch.
    """

    exact, grouped = True, False

    def __init__(self, length: int, shuffle: bool) -> None:
        self.length, self.shuffle = length, shuffle
        self.drops_by_chance = shuffle

    def __len__(self) -> int:
        return self.length

    def indices(self, seed: int, epoch: int) -> np.ndarray:
        """(length,) int64."""
        return epoch_order(self.length, self.shuffle, seed, epoch)


def order_of(
    dataset: Dataset, shuffle: bool, batch_size: int, skips: bool, drops: bool = False
) -> Order:
    """Order of a dataset: its own, else `PlainOrder`.

    Args:
        dataset: dataset of the samples.
        shuffle: whether to shuffle each epoch.
        batch_size: samples per batch.
        skips: whether broken samples are skipped.
        drops: whether an incomplete last batch is dropped.

    Raises:
        ConfigError: the order groups samples into batches, and broken samples are skipped.
    """
    make = getattr(dataset, "order", None)
    if make is None:
        return PlainOrder(len(dataset), shuffle)
    dropping = getattr(dataset, "dropping_order", None) if drops else None
    order: Order = (dropping or make)(shuffle, batch_size, *([skips] if dropping else []))
    if order.grouped and skips:
        raise ConfigError(
            "A skipped sample would shift the batches behind it, whose samples belong together",
            received=f"on_error='skip' with {dataset!r}",
            fix="on_error='raise', or batches of samples that need not be together",
        )
    return order


def covering_of(order: Order, visited: int) -> int:
    """Epochs after which every sample has been visited.

    If a shuffle drops random samples from each epoch, it holds with probability 1 - 1e-6.

    Args:
        order: order of the epochs.
        visited: samples per epoch that are not dropped.
    """
    covering: int | None = getattr(order, "covering", None)
    if covering is not None:
        return covering
    lost = 1 - visited / len(order)
    is_by_chance = getattr(order, "drops_by_chance", False) and 0 < lost < 1
    return math.ceil(math.log(1e-6) / math.log(lost)) if is_by_chance else 1


def epoch_order(length: int, shuffle: bool, seed: int, epoch: int) -> np.ndarray:
    """(length,) int64 indices of one epoch; depends on the arguments alone.

    The generator is seeded like the samples' generators, (seed, epoch, index), with an index that
    no sample has: for numpy, (seed, epoch) equals (seed, epoch, 0).

    >>> epoch_order(4, False, seed=0, epoch=3).tolist()
    [0, 1, 2, 3]
    """
    if not shuffle:
        return np.arange(length)
    return np.random.default_rng((seed, epoch, length)).permutation(length)


def sample_rng(seed: int, epoch: int, visit: int) -> np.random.Generator:
    """Random generator for one visit of a sample in one epoch."""
    return np.random.default_rng((seed, epoch, visit))


def place_of(visit: int, length: int) -> int:
    """Sample index of a visit, in a dataset of `length` samples.

    >>> place_of(2, 3), place_of(5, 3)
    (2, 2)
    """
    return visit % length


def numbered_visits(indices: np.ndarray, length: int) -> np.ndarray:
    """Convert indices to visits: add `length` for each earlier occurrence of an index.

    >>> numbered_visits(np.array([2, 0, 2, 2]), 3).tolist()
    [2, 0, 5, 8]

    Args:
        indices: (n,) int64 indices of samples.
        length: length of the dataset.

    Returns:
        (n,) int64, all different.
    """
    by_place = np.argsort(indices, kind="stable")
    ordered = indices[by_place]
    first = np.searchsorted(ordered, ordered, side="left")
    before = np.empty(len(indices), np.int64)
    before[by_place] = np.arange(len(indices)) - first
    return np.asarray(indices + length * before)
