"""How many samples of each dataset make an epoch, which ones, and which share a batch."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from densefit.data.sampler import numbered_visits

STREAM = 1  # tells these draws from those of samples, (seed, epoch, index)
BATCHES = ("mixed", "in_turn", "at_random")


class MixtureOrder:
    """An epoch of several datasets, a function of (seed, epoch) alone.

    Each dataset is an endless stream: all its samples in a random order, all of them in another,
    and so on. Every epoch takes the next of each stream: so none comes again before all others of
    its dataset have come, from epoch to epoch too.

    Args:
        names: of the datasets.
        sizes: samples of each.
        counts: samples of each in an epoch; of whole batches, multiples of `batch_size`.
        batches: "mixed", "in_turn" or "at_random", see `Mixture`.
        batch_size: samples a batch.
        shuffle: False takes the streams in the datasets' own order, and "at_random" in turn.
    """

    def __init__(
        self,
        names: Sequence[str],
        sizes: Sequence[int],
        counts: Sequence[int],
        batches: str,
        batch_size: int,
        shuffle: bool,
    ) -> None:
        self.names, self.sizes, self.counts = list(names), list(sizes), list(counts)
        self.batches, self.shuffle = batches, shuffle
        self.exact = self.counts == self.sizes
        self.grouped = batches != "mixed"
        self._together = batch_size if self.grouped else 1
        self._turns = evenly([count // self._together for count in self.counts])

    def __len__(self) -> int:
        return sum(self.counts)

    def indices(self, seed: int, epoch: int) -> np.ndarray:
        """(len,) int64 visits; a dataset's samples are numbered behind those before it."""
        starts = np.cumsum([0, *self.sizes])
        taken = [
            start + drawn(size, epoch * count, count, self._seed(seed, name))
            for start, size, count, name in zip(starts, self.sizes, self.counts, self.names)
        ]
        turns = self._turns
        if self.batches == "at_random" and self.shuffle:
            turns = np.random.default_rng((seed, epoch, 0, STREAM)).permutation(turns)
        chosen = np.repeat(turns, self._together)
        places = np.empty(len(self), np.int64)
        for number, own in enumerate(taken):
            places[chosen == number] = own
        return numbered_visits(places, int(starts[-1]))

    def _seed(self, seed: int, name: str) -> tuple[int, int] | None:
        return (seed, zlib.crc32(name.encode())) if self.shuffle else None


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


def apportioned(total: int, shares: Sequence[float]) -> list[int]:
    """Whole numbers that add up to `total`, in proportion: the largest remainders round up.

    >>> apportioned(10, [2, 1])
    [7, 3]

    Args:
        total: 0 or more.
        shares: above 0.
    """
    exact = np.array(shares, np.float64) / np.sum(shares) * total
    whole = np.floor(exact + 1e-9).astype(int)  # what is whole but for rounding is whole
    rest = np.argsort(whole - exact, kind="stable")
    whole[rest[: total - int(whole.sum())]] += 1
    return [int(count) for count in whole]
