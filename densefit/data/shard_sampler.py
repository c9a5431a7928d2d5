"""Order of the samples of shards: shards in random order, samples through a shuffle buffer."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, overload

import numpy as np

from densefit.numeric import check_whole

#: Places whose delays come from one random generator, and keys that are sorted at once. It is part
#: of what determines an order.
BLOCK = 4096
_DELAYS, _SHARDS = 3, 4  # tell these draws from those of samples, (seed, epoch, index)

_AHEAD = 2  # shards that are announced before their first visit
#: Called before the first visit of shards with these, and with shards that come after them.
Announce = Callable[[Sequence[int], Sequence[int]], None]


class ShardOrder:
    """Visit the samples of shards so that few shards are in use at once.

    The shards of an epoch are laid end to end in random order. Rank r of n has the r-th of n equal
    pieces; two ranks share a shard at most where their pieces meet. In its piece, a sample at
    offset i has the key i + d, with a random delay d of 0 to `buffer`, and samples are visited by
    key. That is a shuffle buffer: a visit is at most `buffer` samples behind a sequential reading.
    All of it is a function of (seed, epoch, rank, world).

    Args:
        sizes: samples of each shard.
        shuffle: False visits shards and samples in their own order.
        buffer: size of the shuffle buffer, in samples.
        rank: number of this process.
        world: number of processes.
        announce: is told which shards come next, e.g. to download them.

    Attributes:
        start: offset of the rank's piece, in samples.
        exact: whether an epoch of this rank visits every sample once.
        grouped: False; batches need not be whole.
        drops_by_chance: whether samples at the end of an epoch are random ones.
    """

    grouped = False

    def __init__(
        self,
        sizes: Sequence[int] | np.ndarray,
        shuffle: bool,
        buffer: int = 10_000,
        rank: int = 0,
        world: int = 1,
        announce: Announce | None = None,
    ) -> None:
        check_whole(world, "world", 1, where="ShardOrder")
        check_whole(rank, "rank", 0, world - 1, where="ShardOrder")
        check_whole(buffer, "buffer", 0, where="ShardOrder")
        self.sizes = np.asarray(sizes, np.int64)
        self.shuffle, self.buffer = shuffle, buffer
        self.rank, self.world, self.announce = rank, world, announce
        self.exact, self.drops_by_chance = world == 1, shuffle
        total = int(self.sizes.sum())
        self.start = total * rank // world
        self._length = total * (rank + 1) // world - self.start

    def __len__(self) -> int:
        return self._length

    def part(self, rank: int, world: int) -> ShardOrder:
        """Order of one of `world` ranks."""
        parts = (self.sizes, self.shuffle, self.buffer, rank, world, self.announce)
        return ShardOrder(*parts)

    def indices(self, seed: int, epoch: int) -> ShardVisits:
        """The visits of an epoch, computed block by block as they are asked for."""
        shards = np.arange(len(self.sizes))
        if self.shuffle:
            shards = np.random.default_rng((seed, epoch, 0, _SHARDS)).permutation(shards)
        return ShardVisits(self, seed, epoch, shards, self.start)


class ShardVisits(Sequence[int]):
    """Visits of one rank in an epoch; slices are computed no earlier than they are read.

    Args:
        order: sizes of the shards, and the settings.
        seed: of the order.
        epoch: number of the epoch.
        shards: the shards in the order of the epoch.
        start: offset of the rank's first sample, in all shards laid end to end.
    """

    def __init__(
        self, order: ShardOrder, seed: int, epoch: int, shards: np.ndarray, start: int
    ) -> None:
        self._order, self._seed, self._epoch, self._shards = order, seed, epoch, shards
        self._ends = np.cumsum(order.sizes[shards])
        firsts = np.cumsum(order.sizes) - order.sizes
        # Index in the dataset minus offset in the epoch, of each shard.
        self._shifts = firsts[shards] - (self._ends - order.sizes[shards])
        self._start, self._stop = start, start + len(order)
        self._window = range(len(order))

    def __len__(self) -> int:
        return len(self._window)

    @overload
    def __getitem__(self, index: int) -> int: ...

    @overload
    def __getitem__(self, index: slice) -> ShardVisits: ...

    def __getitem__(self, index: int | slice) -> int | ShardVisits:
        if not isinstance(index, slice):
            return next(iter(self[range(len(self))[index] :]))
        part = ShardVisits.__new__(ShardVisits)
        part.__dict__.update(self.__dict__)
        part._window = self._window[index]
        if part._window.step != 1:
            raise IndexError("visits of shards are read in order: slices have no step")
        return part

    def __iter__(self) -> Iterator[int]:
        return self._visits(self._order.announce)

    def _visits(self, announce: Announce | None) -> Iterator[int]:
        first, last = self._window.start, self._window.stop
        if first >= last:
            return
        count = -(-(self._stop - self._start + self._order.buffer) // BLOCK)
        block = bisect_right(range(count), first, key=self._visits_before) - 1
        position = self._visits_before(block)
        announced: set[int] = set()
        while position < last:
            offsets = self._offsets(block)
            chosen = offsets[max(first - position, 0) : last - position]
            slots = np.searchsorted(self._ends, chosen, side="right")
            visits = (chosen + self._shifts[slots]).tolist()
            if announce is None:
                yield from visits
            else:
                yield from self._announced(visits, slots, announced, announce)
            position, block = position + len(offsets), block + 1

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        visits = self._visits(None)  # what is not read yet need not be downloaded
        return np.fromiter(visits, np.int64, len(self)).astype(dtype or np.int64, copy=False)

    def _keys(self, first: int, last: int) -> np.ndarray:
        """Keys of the offsets from `first` up to `last`."""
        offsets = np.arange(first, last, dtype=np.float64)
        if not (self._order.shuffle and self._order.buffer) or last <= first:
            return offsets
        blocks = range(first // BLOCK, (last - 1) // BLOCK + 1)
        delays = np.concatenate(
            [
                np.random.default_rng((self._seed, self._epoch, block, _DELAYS)).random(BLOCK)
                for block in blocks
            ]
        )
        begin = blocks.start * BLOCK
        return offsets + self._order.buffer * delays[first - begin : last - begin]

    def _offsets(self, block: int) -> np.ndarray:
        """Places whose keys are in a block of keys, by key."""
        low = self._start + block * BLOCK
        first = max(self._start, low - self._order.buffer)
        keys = self._keys(first, min(self._stop, low + BLOCK))
        chosen = np.flatnonzero((keys >= low) & (keys < low + BLOCK))
        return first + chosen[np.argsort(keys[chosen], kind="stable")]

    def _visits_before(self, block: int) -> int:
        """Number of visits in the blocks before `block`."""
        low = self._start + block * BLOCK
        first, last = max(self._start, low - self._order.buffer), min(self._stop, low)
        late = np.count_nonzero(self._keys(first, last) >= low) if first < last else 0
        return min(low, self._stop) - self._start - int(late)

    def _announced(
        self, visits: list[int], slots: np.ndarray, announced: set[int], announce: Announce
    ) -> Iterator[int]:
        """Visits of a block; each shard is announced before its first visit.

        Args:
            visits: of the block.
            slots: of the shard of each, in the order of the epoch.
            announced: slots of shards that were; new ones are added.
            announce: is called with the shard that comes now, and those that come next.
        """
        shards: list[int] = self._shards.tolist()
        different, firsts = np.unique(slots, return_index=True)
        new = [(int(at), int(slot)) for at, slot in zip(firsts, different) if slot not in announced]
        new.sort()
        last = int(np.searchsorted(self._ends, self._stop - 1, "right"))
        done = 0
        for number, (at, slot) in enumerate(new):
            yield from visits[done:at]
            done = at
            announced.add(slot)
            rest = [other for _, other in new[number + 1 :]]
            later = range(max(announced.union(rest)) + 1, last + 1)
            upcoming = (shards[other] for other in chain(rest, later))
            announce([shards[slot]], list(islice(filter(self._has_samples, upcoming), _AHEAD)))
        yield from visits[done:]

    def _has_samples(self, shard: int) -> bool:
        return bool(self._order.sizes[shard])
