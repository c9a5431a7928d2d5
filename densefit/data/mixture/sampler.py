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

    Each dataset is an endless stream of random permutations of its samples; a dataset with its own
    order is the stream of its epochs. Every epoch continues each stream, so that no sample is
    repeated before all others of its dataset were drawn, also across epochs. Fractional shares of
    samples (or of batches) hold over epochs: see `Portions`.

    Args:
        names: names of the datasets.
        sizes: number of samples of each.
        shares: share of each.
        length: samples per epoch; a multiple of `batch_size` for batches of one dataset.
        batches: "mixed", "in_turn" or "at_random", see `Mixture`.
        batch_size: samples per batch.
        shuffle: False keeps the datasets' own order, and treats "at_random" as "in_turn".
        orders: name -> the order of a dataset that has its own.
        is_cut: whether `length` is rounded down to whole batches.
        is_turned: begin each epoch at a random turn, so that the samples which a loader drops at
            the end are of all datasets by their shares, on average.

    Attributes:
        exact: whether every epoch visits every sample once.
        grouped: whether batches hold one dataset each.
        expected: mean samples of each dataset per epoch.
        covering: epochs after which every sample was drawn; 0 if some have no share.
        kind: changes of the order beside the settings, in words; "" if there are none.
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
        self.expected = [float(self._together * mean) for mean in self._portions.exact]
        self.exact = self.expected == self.sizes and all(order.exact for order in orders.values())
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
        """(len,) int64 visits; each dataset's indices follow those of the dataset before."""
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
        indices = np.empty(len(self), np.int64)
        for number, drawn_indices in enumerate(taken):
            indices[chosen == number] = drawn_indices
        return numbered_visits(indices, int(starts[-1]))

    def _taken(self, number: int, start: int, count: int, seed: int) -> np.ndarray:
        """`count` indices of a dataset's stream, from position `start` on."""
        name, size = self.names[number], self.sizes[number]
        name_hash = zlib.crc32(name.encode())
        if name in self._orders:
            return streamed(self._orders[name], size, start, count, (seed << 32) + name_hash)
        return drawn(size, start, count, (seed, name_hash) if self.shuffle else None)


def streamed(order: Order, size: int, start: int, count: int, seed: int) -> np.ndarray:
    """`count` indices of an order's concatenated epochs, from position `start` on."""
    length = len(order)
    if not count:
        return np.empty(0, np.int64)
    epochs = range(start // length, (start + count - 1) // length + 1)
    visits = np.concatenate([order.indices(seed, epoch) for epoch in epochs])
    offset = start - epochs[0] * length
    return np.array([place_of(visit, size) for visit in visits[offset : offset + count].tolist()])


def drawn(size: int, start: int, count: int, seed: tuple[int, int] | None) -> np.ndarray:
    """`count` indices of a dataset's stream, from position `start` on.

    >>> drawn(3, 2, 5, None).tolist()
    [2, 0, 1, 2, 0]

    Args:
        size: number of samples of the dataset.
        start: samples drawn before.
        count: samples to draw.
        seed: seed of the permutations; None for the dataset's own order.

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
    """Repeat each dataset's number `counts` times, interleaved as evenly as possible.

    Among the first m, each dataset has its share rounded up or down: turn j of a dataset with share
    s lies between j / s and (j + 1) / s, and among the turns that have begun, the earliest deadline
    goes first (Baruah, Cohen, Plaxton and Varvel, Proportionate Progress, Algorithmica 1996).

    >>> evenly([4, 2]).tolist()
    [0, 0, 1, 0, 0, 1]

    Returns:
        (sum(counts),) int64.
    """
    total = sum(counts)
    done = [0] * len(counts)
    ends = [-(-total // count) if count else total + 1 for count in counts]  # of the next turns
    turns = np.empty(total, np.int64)
    for position in range(total):
        best, earliest = -1, total + 1
        for number, end in enumerate(ends):
            if end < earliest and done[number] * total < (position + 1) * counts[number]:
                best, earliest = number, end
        turns[position] = best
        done[best] += 1
        left = done[best] < counts[best]
        ends[best] = -(-(done[best] + 1) * total // counts[best]) if left else total + 1
    return turns
