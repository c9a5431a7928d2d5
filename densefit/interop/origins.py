"""Origins: iterators that read data, and how the epochs of each end."""

from __future__ import annotations

from enum import Enum
from typing import Any


class Ending(Enum):
    """What becomes of samples that do not fill a last batch."""

    PADDED = "the last batch is padded, and says so"
    UNTOLD = "the last batch is padded with what lay in memory, and does not say so"
    DROPPED = "they are left out"
    ROUNDED = "the last batch is filled up with samples of the next epoch"
    CARRIED = "they begin the next epoch"


class Origin:
    """An iterator that reads data.

    Args:
        iterator: the same.

    Attributes:
        iterator: the same.
        name: as users call it.
        ending: how its epochs end.
        shuffles: whether each pass has another order.
        is_reset_idempotent: whether a second reset changes nothing but a shuffled order.
        reuses_arrays: whether the next batch overwrites the arrays of this one.
        leaves_out: whether it skips samples that it finds unfit, so that nobody knows how many
            come.
    """

    ending: Ending
    shuffles: bool
    is_reset_idempotent = True
    reuses_arrays = False
    leaves_out = False

    def __init__(self, iterator: Any) -> None:
        self.iterator = iterator
        self.name = type(iterator).__name__

    @property
    def batch_size(self) -> int:
        """Rows of a batch."""
        return int(self.iterator.batch_size)

    @property
    def samples(self) -> int | None:
        """Number of samples, if known."""
        raise NotImplementedError

    @property
    def batches_read(self) -> int | None:
        """Batches read since the beginning of the epoch; None if unknown."""
        raise NotImplementedError

    @property
    def can_learn(self) -> bool:
        """Whether an epoch, read to its end, would tell the number of samples."""
        return False

    def offset(self, given: int | None) -> int | None:
        """Where the epoch to come begins; None if unknown.

        It begins with the next batch if none was given yet, else with the next reset. The offset
        is the number of its samples that were given already (ROUNDED), or of samples that it has
        more (CARRIED).

        Args:
            given: batches that were given since the last reset.
        """
        return 0

    def is_divisible(self) -> bool:
        """Whether every batch is full."""
        return self.samples is not None and self.samples % self.batch_size == 0
