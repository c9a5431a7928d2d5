"""A rank's part of the samples, a pure function of the order, the rank and the number of ranks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from densefit.data.sampler import Order
from densefit.errors import ConfigError


class Part(NamedTuple):
    """Which part of each epoch a loader reads.

    Attributes:
        rank: number of the reader, from 0.
        size: number of readers that share an epoch.
        is_for_scoring: whether each reads a run of whole batches, one after the other in the
            epoch's order, rather than its rows of every global batch.
    """

    rank: int = 0
    size: int = 1
    is_for_scoring: bool = False

    def check(self) -> None:
        """Raise ConfigError for a rank that is out of range."""
        if self.size < 1 or not 0 <= self.rank < self.size:
            raise ConfigError(
                "A rank is out of range",
                expected=f"0 to {self.size - 1}",
                received=self.rank,
                where="Loader.shard",
            )


def rows_of_rank(rows: int, rank: int, size: int) -> tuple[int, int]:
    """Range of a rank among `rows` rows: equal parts, whose lengths differ by one at most.

    >>> [rows_of_rank(5, rank, 3) for rank in range(3)], rows_of_rank(8, 1, 2)
    ([(0, 1), (1, 3), (3, 5)], (4, 8))
    """
    return rows * rank // size, rows * (rank + 1) // size


def training_shard(
    order: np.ndarray, batch_size: int, rank: int, size: int
) -> tuple[np.ndarray, list[int]]:
    """A rank's visits in training, and how many of them each of its batches has.

    The epoch consists of global batches of `size * batch_size` visits, as one process with batches
    of that size reads them; each rank takes its rows of every global batch. All ranks have the same
    number of batches; the last one may be smaller, or empty.

    >>> training_shard(np.arange(7), batch_size=2, rank=0, size=2)
    (array([0, 1, 4]), [2, 1])
    >>> training_shard(np.arange(7), batch_size=2, rank=1, size=2)
    (array([2, 3, 5, 6]), [2, 2])

    Args:
        order: (n,) visits of the epoch, or of its rest.
        batch_size: visits of a full batch of one rank.
        rank: number of the rank.
        size: number of ranks.
    """
    together = batch_size * size
    whole = len(order) // together * together
    begin, end = rows_of_rank(len(order) - whole, rank, size)
    full = order[:whole].reshape(-1, size, batch_size)[:, rank].reshape(-1)
    windows = [batch_size] * (whole // together)
    if whole < len(order):
        windows.append(end - begin)
    return np.concatenate([full, order[whole + begin : whole + end]]), windows


def epoch_shard(
    order: Order, seed: int, epoch: int, batch_size: int, part: Part, start: int, batches: int
) -> tuple[Sequence[int] | np.ndarray, list[int]]:
    """A rank's visits in the rest of a training epoch, and how many of them each batch has.

    An order may divide itself, by a method `part(rank, size)` that gives the order of a rank (of
    shards, say, so that a rank reads its own files alone); else see `training_shard`.

    Args:
        order: order of the whole epoch.
        seed: seed of the order.
        epoch: number of the epoch.
        batch_size: visits of a full batch of one rank.
        part: rank and number of ranks.
        start: visits of all ranks that are over.
        batches: batches of a whole epoch.
    """
    together = batch_size * part.size
    divide = getattr(order, "part", None)
    if divide is None:
        visits = np.asarray(order.indices(seed, epoch)[: batches * together])
        return training_shard(visits[start:], batch_size, part.rank, part.size)
    visits = divide(part.rank, part.size).indices(seed, epoch)
    visits = visits[min(start // part.size, len(visits)) : batches * batch_size]
    firsts = range(0, (batches - start // together) * batch_size, batch_size)
    return visits, [max(0, min(batch_size, len(visits) - first)) for first in firsts]


def scoring_shard(
    order: Sequence[int] | np.ndarray, batch_size: int, rank: int, size: int
) -> Sequence[int] | np.ndarray:
    """A rank's visits in scoring: a run of the batches that one process reads.

    >>> [list(scoring_shard(range(7), 2, rank, 3)) for rank in range(3)]
    [[0, 1], [2, 3], [4, 5, 6]]

    Args:
        order: (n,) visits of the epoch.
        batch_size: visits of a full batch.
        rank: number of the rank.
        size: number of ranks.
    """
    batches = -(-len(order) // batch_size)
    begin, end = rows_of_rank(batches, rank, size)
    return order[begin * batch_size : end * batch_size]
