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
    """Base of what is known about an iterator that reads data.

    Args:
        iterator: an iterator of MXNet's.

    Attributes:
        iterator: the iterator.
        name: its name in `mx.io` or `mx.image`.
        ending: how its epochs end.
        shuffles: whether each pass has another order.
        is_reset_idempotent: whether a second reset changes nothing but a shuffled order.
        reuses_arrays: whether the next batch overwrites the arrays of this one.
        leaves_out: whether it skips samples that it finds unfit, so that nobody knows how many
            come.
        repeats: whether an epoch may have a sample twice, and lack another.
        keep: what to write for an epoch of all samples, each once.
    """

    ending: Ending
    shuffles: bool
    is_reset_idempotent = True
    reuses_arrays = False
    leaves_out = False
    repeats = False
    keep = "last_batch_handle='pad'"

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

    @property
    def random(self) -> list[str]:
        """What changes the samples at random in each pass, as a user has written it."""
        return []

    def offset(self, given: int | None) -> int | None:
        """Sample at which the next epoch begins; None if unknown.

        The next epoch is the present one if none of its batches was given yet.

        Args:
            given: batches given since the last reset.

        Returns:
            ROUNDED: number of samples that the epoch before has given of this one. CARRIED: number
            of samples that the epoch before has left to this one. 0 for other endings.
        """
        return 0

    def is_divisible(self) -> bool:
        """Whether every batch is full."""
        return self.samples is not None and self.samples % self.batch_size == 0
