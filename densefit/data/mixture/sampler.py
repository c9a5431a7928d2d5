"""How many samples of each dataset make an epoch, which ones, and which share a batch."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import ceil
from types import MappingProxyType

import numpy as np

from densefit.data.mixture.epoch_sizes import Portions
from densefit.data.sampler import Order, numbered_visits, place_of

STREAM = 1  # tells these draws from those of samples, (seed, epoch, index)
BATCHES = ("mixed", "in_turn", "at_random")


class MixtureOrder:
    """An epoch of several datasets, a function of (seed, epoch) alone.

    Each dataset is an endless stream: all its samples in a random order, all of them in another,
    and so on; of one that has an order of its own, its epochs, one after the other. Every epoch
    takes the next of each stream: so none comes again before all others of its dataset have come,
    from epoch to epoch too. Shares that are no whole numbers of samples (of batches) hold over
    epochs: see `Portions`.

    Args:
        names: of the datasets.
        sizes: samples of each.
        shares: of each.
        length: samples an epoch; of whole batches, a multiple of `batch_size`.
        batches: "mixed", "in_turn" or "at_random", see `Mixture`.
        batch_size: samples a batch.
        shuffle: False takes the streams in the datasets' own order, and "at_random" in turn.
        orders: name -> the order of a dataset that has its own.
        is_cut: whether `length` leaves out what would be no whole batch.
        is_turned: begin each epoch's turns at a random one, so that the samples which a loader
            lacks at the end are of all datasets by their shares, in the mean.

    Attributes:
        exact: whether every epoch visits every sample once.
        grouped: whether batches are of one dataset.
        expected: samples of each in an epoch, in the mean.
        covering: epochs after which every sample has come; 0 if some have no share.
        kind: what changes the order beside the settings, in words; "" if nothing does.
    """

    def __init__(
        self,
        names: Sequence[str],
        sizes: Sequence[int],
        shares: Sequence[float],
        length: int,
        batches: str,
        batch_size: int,
        shuffle: bool,
        orders: Mapping[str, Order] = MappingProxyType({}),
        *,
        is_cut: bool = False,
        is_turned: bool = False,
    ) -> None:
        self.names, self.sizes, self._length = list(names), list(sizes), length
        self.batches, self.shuffle = batches, shuffle
        self._orders = dict(orders)
        self.grouped = batches != "mixed"
        self._together = batch_size if self.grouped else 1
        self._portions = Portions(length // self._together, shares)
        self.expected = [float(self._together * one) for one in self._portions.exact]
        self.exact = self.expected == self.sizes and all(own.exact for own in orders.values())
        self._is_turned = is_turned
        self.kind = "remainders are carried" if self._portions.carries or orders else ""
        if is_cut:
            self.kind = "whole batches, all remainders are carried"
        if is_turned:
            self.kind = ", ".join(filter(None, [self.kind, "epochs begin at a random turn"]))
        means = [self._together * mean for mean in self._portions.exact]
        self.covering = max(ceil(size / mean) if mean else 0 for size, mean in zip(sizes, means))

    def __len__(self) -> int:
        return self._length

    def indices(self, seed: int, epoch: int) -> np.ndarray:
        """(len,) int64 visits; a dataset's samples are numbered behind those before it."""
        starts = np.cumsum([0, *self.sizes])
        counts, before = self._portions.of(epoch), self._portions.before(epoch)
        taken = [
            start + self._taken(number, self._together * first, self._together * count, seed)
            for number, (start, first, count) in enumerate(zip(starts, before, counts))
        ]
        turns = _turns(tuple(counts))
        if self.batches == "at_random" and self.shuffle:
            turns = np.random.default_rng((seed, epoch, 0, STREAM)).permutation(turns)
        if self._is_turned:
            begin = np.random.default_rng((seed, epoch, 0, STREAM + 1)).integers(len(turns))
            turns = np.roll(turns, begin)
        chosen = np.repeat(turns, self._together)
        places = np.empty(len(self), np.int64)
        for number, own in enumerate(taken):
            places[chosen == number] = own
        return numbered_visits(places, int(starts[-1]))

    def _taken(self, number: int, start: int, count: int, seed: int) -> np.ndarray:
        """`count` places of a dataset's stream, from place `start` on."""
        name, size = self.names[number], self.sizes[number]
        own = zlib.crc32(name.encode())
        if name in self._orders:
            return streamed(self._orders[name], size, start, count, (seed << 32) + own)
        return drawn(size, start, count, (seed, own) if self.shuffle else None)


def streamed(order: Order, size: int, start: int, count: int, seed: int) -> np.ndarray:
    """`count` places of the epochs of an order, one behind the other, from place `start` on."""
    length = len(order)
    if not count:
        return np.empty(0, np.int64)
    epochs = range(start // length, (start + count - 1) // length + 1)
    visits = np.concatenate([order.indices(seed, epoch) for epoch in epochs])
    offset = start - epochs[0] * length
    return np.array([place_of(visit, size) for visit in visits[offset : offset + count].tolist()])


def drawn(size: int, start: int, count: int, seed: tuple[int, int] | None) -> np.ndarray:
    """`count` places of a dataset's stream, from place `start` on.

    >>> drawn(3, 2, 5, None).tolist()
    [2, 0, 1, 2, 0]

    Args:
        size: samples of the dataset.
        start: how many were taken before.
        count: how many to take.
        seed: of the orders; None for the dataset's own.

    Returns:
        (count,) int64 indices.
    """
    first, last = start // size, (start + count - 1) // size
    passes = [
        np.arange(size)
        if seed is None
        else np.random.default_rng((*seed, number, STREAM)).permutation(size)
        for number in range(first, last + 1)
    ]
    offset = start - first * size
    return np.asarray(np.concatenate([*passes, np.empty(0, np.int64)])[offset : offset + count])


@lru_cache(maxsize=8)
def _turns(counts: tuple[int, ...]) -> np.ndarray:
    return evenly(counts)


def evenly(counts: Sequence[int]) -> np.ndarray:
    """Numbers of datasets, each as often as `counts` says, spread as evenly as they can be.

    Of any first m, each has its share rounded up or down: turn j of a dataset that has the share
    s lies between j / s and (j + 1) / s, and of all whose turn has begun the one goes first whose
    turn ends first (Baruah, Cohen, Plaxton and Varvel, Proportionate Progress, Algorithmica 1996).

    >>> evenly([4, 2]).tolist()
    [0, 0, 1, 0, 0, 1]

    Returns:
        (sum(counts),) int64.
    """
    total = sum(counts)
    done = [0] * len(counts)
    ends = [-(-total // count) if count else total + 1 for count in counts]  # of the next turns
    found = np.empty(total, np.int64)
    for place in range(total):
        best, earliest = -1, total + 1
        for number, end in enumerate(ends):
            if end < earliest and done[number] * total < (place + 1) * counts[number]:
                best, earliest = number, end
        found[place] = best
        done[best] += 1
        left = done[best] < counts[best]
        ends[best] = -(-(done[best] + 1) * total // counts[best]) if left else total + 1
    return found
