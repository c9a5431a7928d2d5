"""Origins: iterators that read data, and the ending of their epochs."""

from __future__ import annotations

from enum import Enum
from typing import Any


class Ending(Enum):
    """Treatment of samples that do not fill the last batch."""

    PADDED = "the last batch is padded, and says so"
    UNTOLD = "the last batch is padded with what lay in memory, and does not say so"
    DROPPED = "they are left out"
    ROUNDED = "the last batch is filled up with samples of the next epoch"
    CARRIED = "they begin the next epoch"


class Origin:
    """Base class that describes an iterator that reads data.

    Args:
        iterator: an MXNet iterator.

    Attributes:
        iterator: the iterator.
        name: name in `mx.io` or `mx.image`.
        ending: treatment of the last batch.
        shuffles: whether each pass has another order.
        is_reset_idempotent: whether a second reset changes nothing but a shuffled order.
        reuses_arrays: whether the next batch overwrites the arrays of this one.
        leaves_out: whether the iterator skips unfit samples, so that their number is unknown.
        repeats: whether an epoch may repeat a sample and omit another.
        keep: setting that makes each epoch contain every sample once.
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
        """Return the rows of a batch."""
        return int(self.iterator.batch_size)

    @property
    def samples(self) -> int | None:
        """Return the number of samples, if known."""
        raise NotImplementedError

    @property
    def batches_read(self) -> int | None:
        """Return the number of batches read in this epoch; None if unknown."""
        raise NotImplementedError

    @property
    def can_learn(self) -> bool:
        """Return whether an epoch that is read to its end reveals the number of samples."""
        return False

    @property
    def random(self) -> list[str]:
        """Return the random augmentations of each pass, as the user wrote them."""
        return []

    def offset(self, batches_given: int | None) -> int | None:
        """Return the sample at which the next epoch starts; None if unknown.

        The next epoch is the present one if none of its batches was yielded yet.

        Args:
            batches_given: number of batches yielded since the last reset.

        Returns:
            ROUNDED: number of this epoch's samples that filled up the previous epoch. CARRIED:
            number of samples carried over from the previous epoch. 0 for other endings.
        """
        return 0

    def is_divisible(self) -> bool:
        """Return whether every batch is full."""
        return self.samples is not None and self.samples % self.batch_size == 0
