"""A rank's part of the samples, a pure function of the order, the rank and the number of ranks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

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
    order: np.ndarray | Sequence[int], batch_size: int, rank: int, size: int, start: int = 0
) -> tuple[np.ndarray | Sequence[int], list[int]]:
    """A rank's visits in training, and how many of them each of its batches has.

    The epoch consists of global batches of `size * batch_size` visits, as one process with batches
    of that size reads them; each rank takes its rows of every global batch. All ranks have the same
    number of batches; the last one may be smaller, or empty. Visits that have a method
    `of_rank(rank, size)` (see `ShardVisits`) choose as many visits for each rank.

    >>> training_shard(np.arange(7), batch_size=2, rank=0, size=2)
    (array([0, 1, 4]), [2, 1])
    >>> training_shard(np.arange(7), batch_size=2, rank=1, size=2)
    (array([2, 3, 5, 6]), [2, 2])

    Args:
        order: (n,) visits of the epoch.
        batch_size: visits of a full batch of one rank.
        rank: number of the rank.
        size: number of ranks.
        start: visits of all ranks to pass over, in whole global batches.
    """
    together = batch_size * size
    left = max(len(order) - start, 0)
    whole = left // together * together
    begin, end = rows_of_rank(left - whole, rank, size)
    windows = [batch_size] * (whole // together)
    if whole < left:
        windows.append(end - begin)
    if hasattr(order, "of_rank"):
        visits: Sequence[int] = order.of_rank(rank, size)
        return visits[len(visits) - sum(windows) :], windows
    order = np.asarray(order[start:])
    full = order[:whole].reshape(-1, size, batch_size)[:, rank].reshape(-1)
    return np.concatenate([full, order[whole + begin : whole + end]]), windows


def scoring_shard(
    order: np.ndarray | Sequence[int], batch_size: int, rank: int, size: int
) -> np.ndarray | Sequence[int]:
    """A rank's visits in scoring: a run of the batches that one process reads.

    >>> [scoring_shard(np.arange(7), 2, rank, 3).tolist() for rank in range(3)]
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
