"""MXNet's Python iterators: `mx.io.NDArrayIter`, `mx.image.ImageIter`, `ImageDetIter`."""

from __future__ import annotations

from typing import Any

from densefit.interop.iterators.origins import Ending, Origin
from densefit.interop.iterators.record_count import count_records
from densefit.interop.mxnet import mx
from densefit.interop.random_settings import random_parts

_ENDINGS = {"discard": Ending.DROPPED, "roll_over": Ending.CARRIED}


class NDArrays(Origin):
    """Origin of an `mx.io.NDArrayIter`."""

    is_reset_idempotent = False

    def __init__(self, iterator: Any) -> None:
        super().__init__(iterator)
        self.ending = _ENDINGS.get(iterator.last_batch_handle, Ending.PADDED)
        self.shuffles = bool(iterator.shuffle)

    @property
    def samples(self) -> int:
        """Return the number of rows of the arrays."""
        return int(self.iterator.num_data)

    @property
    def batches_read(self) -> int:
        """Return the number of batches read in this epoch."""
        return max(0, -(-(int(self.iterator.cursor) + self.batch_size) // self.batch_size))

    def offset(self, batches_given: int | None) -> int:
        """Samples that the epoch before has left to the next one."""
        if self.ending is not Ending.CARRIED:
            return 0
        cursor = int(self.iterator.cursor)
        if batches_given == 0:
            return (self.batches_read - 1) * self.batch_size - cursor
        has_ended = cursor > self.samples - self.batch_size
        return max(0, self.samples - cursor) if has_ended else 0


class Images(Origin):
    """Origin of an `mx.image.ImageIter` or `mx.image.ImageDetIter`."""

    def __init__(self, iterator: Any) -> None:
        super().__init__(iterator)
        self.ending = _ENDINGS.get(iterator.last_batch_handle, Ending.PADDED)
        self.shuffles = bool(iterator.shuffle)
        # ImageDetIter skips images without a valid box, maybe after a random crop.
        self.leaves_out = isinstance(iterator, mx.image.ImageDetIter)

    @property
    def samples(self) -> int | None:
        """Return the number of images in the list or record file."""
        if self.iterator.seq is not None:
            return len(self.iterator.seq)
        return count_records(self.iterator.imgrec.uri.value.decode())

    @property
    def batches_read(self) -> int | None:
        """Return the number of batches read in this epoch; None for a record file without index."""
        iterator = self.iterator
        if iterator.seq is None or not iterator._allow_read:
            return None
        return -(-int(iterator.cur) // self.batch_size)

    @property
    def random(self) -> list[str]:
        """Return the random augmenters."""
        return random_parts(self.iterator.auglist)

    def offset(self, batches_given: int | None) -> int:
        """Samples that the epoch before has left to the next one."""
        if self.iterator._cache_idx is not None:
            return int(self.iterator._cache_idx)
        return -int(self.iterator.cur) % self.batch_size if batches_given == 0 else 0
