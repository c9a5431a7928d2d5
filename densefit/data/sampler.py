"""Which samples an epoch visits, in which order."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from densefit.data.sample import Dataset
from densefit.errors import ConfigError


class Order(Protocol):
    """The samples of each epoch, a function of (seed, epoch) alone.

    A dataset that is more than a list of samples has an order of its own: it has a method
    `order(shuffle, batch_size)`, which a loader asks (see `Mixture`). It may have another one for
    loaders that drop a smaller last batch, `dropping_order(shuffle, batch_size, skips)`, whose
    epochs are whole batches; else such a loader cuts off the end of each epoch.

    Attributes:
        exact: whether every epoch visits every sample once.
        grouped: whether samples are meant to be together in a batch; none may then be skipped.
    """

    @property
    def exact(self) -> bool: ...

    @property
    def grouped(self) -> bool: ...

    def __len__(self) -> int:
        """Samples an epoch, the same in each."""

    def indices(self, seed: int, epoch: int) -> np.ndarray:
        """(len,) int64 visits of an epoch, of which each batch takes the next batch_size.

        A visit is a sample's index in the dataset; where the sample comes again in the epoch, the
        index plus the dataset's length for each time before, so that no two are transformed alike.
        """


class PlainOrder:
    """Every sample once: the order of any dataset that has none of its own.

    Args:
        length: of the dataset.
        shuffle: another order each epoch.
    """

    exact, grouped = True, False

    def __init__(self, length: int, shuffle: bool) -> None:
        self.length, self.shuffle = length, shuffle

    def __len__(self) -> int:
        return self.length

    def indices(self, seed: int, epoch: int) -> np.ndarray:
        """(length,) int64."""
        return epoch_order(self.length, self.shuffle, seed, epoch)


def order_of(
    dataset: Dataset, shuffle: bool, batch_size: int, skips: bool, drops: bool = False
) -> Order:
    """The dataset's own order, or the plain one.

    Args:
        dataset: the samples.
        shuffle: another order each epoch.
        batch_size: samples that are together.
        skips: whether broken samples are to be left out.
        drops: whether a smaller last batch is.

    Raises:
        ConfigError: the order says which samples are together, and some are to be left out.
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
    """Epochs after which every sample has come: what none of them had, none has.

    Where a shuffle decides by chance which samples are cut off, it is true but for one case in a
    million.

    Args:
        order: of the epochs.
        visited: samples of each that are not cut off.
    """
    own: int | None = getattr(order, "covering", None)
    if own is not None:
        return own
    lost = 1 - visited / len(order)
    is_by_chance = isinstance(order, PlainOrder) and order.shuffle and 0 < lost < 1
    return math.ceil(math.log(1e-6) / math.log(lost)) if is_by_chance else 1


def epoch_order(length: int, shuffle: bool, seed: int, epoch: int) -> np.ndarray:
    """(length,) int64 indices of one epoch; depends on the arguments alone.

    The generator is seeded like those of the samples, (seed, epoch, index), with an index that
    no sample has: numpy takes (seed, epoch) for the same as (seed, epoch, 0).

    >>> epoch_order(4, False, seed=0, epoch=3).tolist()
    [0, 1, 2, 3]
    """
    if not shuffle:
        return np.arange(length)
    return np.random.default_rng((seed, epoch, length)).permutation(length)


def sample_rng(seed: int, epoch: int, visit: int) -> np.random.Generator:
    """The generator for all that is random about one visit of a sample in one epoch."""
    return np.random.default_rng((seed, epoch, visit))


def place_of(visit: int, length: int) -> int:
    """Index in a dataset of `length` samples of a visit's sample.

    >>> place_of(2, 3), place_of(5, 3)
    (2, 2)
    """
    return visit % length


def numbered_visits(places: np.ndarray, length: int) -> np.ndarray:
    """Indices as visits: each one's second coming in the list plus `length`, and so on.

    >>> numbered_visits(np.array([2, 0, 2, 2]), 3).tolist()
    [2, 0, 5, 8]

    Args:
        places: (n,) int64 indices of samples.
        length: of the dataset.

    Returns:
        (n,) int64, all different.
    """
    by_place = np.argsort(places, kind="stable")
    ordered = places[by_place]
    first = np.searchsorted(ordered, ordered, side="left")
    before = np.empty(len(places), np.int64)
    before[by_place] = np.arange(len(places)) - first
    return np.asarray(places + length * before)
