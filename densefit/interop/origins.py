"""Origins: the iterators of MXNet that read data, and how the epochs of each end."""

from __future__ import annotations

from enum import Enum
from typing import Any

from densefit.backend import mx
from densefit.errors import DataError
from densefit.interop.observed import STALE_PADS, Observation, observation
from densefit.interop.record_count import count_index, count_mnist, count_records


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
    """

    ending: Ending
    shuffles: bool
    is_reset_idempotent = True
    reuses_arrays = False

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


class NDArrays(Origin):
    """`mx.io.NDArrayIter`."""

    is_reset_idempotent = False

    def __init__(self, iterator: Any) -> None:
        super().__init__(iterator)
        endings = {"discard": Ending.DROPPED, "roll_over": Ending.CARRIED}
        self.ending = endings.get(iterator.last_batch_handle, Ending.PADDED)
        self.shuffles = bool(iterator.shuffle)

    @property
    def samples(self) -> int:
        """Rows of its arrays."""
        return int(self.iterator.num_data)

    @property
    def batches_read(self) -> int:
        """Batches read since the beginning of the epoch."""
        return max(0, -(-(int(self.iterator.cursor) + self.batch_size) // self.batch_size))

    def offset(self, given: int | None) -> int:
        """Samples that the epoch to come has more."""
        if self.ending is not Ending.CARRIED:
            return 0
        cursor = int(self.iterator.cursor)
        if given == 0:
            return (self.batches_read - 1) * self.batch_size - cursor
        has_ended = cursor > self.samples - self.batch_size
        return max(0, self.samples - cursor) if has_ended else 0


class Images(Origin):
    """`mx.image.ImageIter` and `mx.image.ImageDetIter`."""

    def __init__(self, iterator: Any) -> None:
        super().__init__(iterator)
        endings = {"discard": Ending.DROPPED, "roll_over": Ending.CARRIED}
        self.ending = endings.get(iterator.last_batch_handle, Ending.PADDED)
        self.shuffles = bool(iterator.shuffle)

    @property
    def samples(self) -> int | None:
        """Pictures in its list or record file."""
        if self.iterator.seq is not None:
            return len(self.iterator.seq)
        return count_records(self.iterator.imgrec.uri.value.decode())

    @property
    def batches_read(self) -> int | None:
        """Batches read since the beginning of the epoch; None for a record file without index."""
        iterator = self.iterator
        if iterator.seq is None or not iterator._allow_read:
            return None
        return -(-int(iterator.cur) // self.batch_size)

    def offset(self, given: int | None) -> int:
        """Samples that the epoch to come has more."""
        if self.iterator._cache_idx is not None:
            return int(self.iterator._cache_idx)
        return -int(self.iterator.cur) % self.batch_size if given == 0 else 0

    @property
    def leaves_out(self) -> bool:
        """Whether it skips pictures that have no valid box, so that nobody knows how many come."""
        return isinstance(self.iterator, mx.image.ImageDetIter)


class Native(Origin):
    """An iterator in C++ (`mx.io.MXDataIter`) whose settings were observed.

    Args:
        iterator: the same.
        seen: what was observed.
    """

    def __init__(self, iterator: Any, seen: Observation) -> None:
        super().__init__(iterator)
        self.seen = seen
        self.name = seen.kind
        if seen.kind == "MNISTIter":
            self.ending = Ending.DROPPED
        elif seen.rounds:
            self.ending = Ending.ROUNDED
        else:
            self.ending = Ending.UNTOLD if seen.kind in STALE_PADS else Ending.PADDED
        # MNISTIter shuffles once, when it is made.
        self.shuffles = seen.kind != "MNISTIter" and (
            seen.flag("shuffle", False) or seen.number("shuffle_chunk_size", 0) > 0
        )
        self.is_reset_idempotent = self.ending is not Ending.ROUNDED
        self.reuses_arrays = seen.settings.get("ctx") == "cpu" and seen.kind in STALE_PADS

    @property
    def samples(self) -> int | None:
        """Records or rows in its files, or as many as a whole epoch had."""
        if self.seen.samples is None:
            self.seen.samples = self._count()
        return self.seen.samples

    @property
    def can_learn(self) -> bool:
        """Whether an epoch, read to its end, would tell the number of samples."""
        return self.seen.has_right_pads

    def _count(self) -> int | None:
        settings = self.seen.settings
        parts, part = self.seen.number("num_parts", 1), self.seen.number("part_index", 0)
        if self.seen.kind == "MNISTIter":
            total = count_mnist(str(settings.get("image", "./train-images-idx3-ubyte")))
            if total is None:
                return None
            return int(total / parts * (part + 1)) - int(total / parts * part)
        if "path_imgrec" not in settings or parts > 1:
            return None
        if settings.get("path_imgidx") and self.seen.kind in STALE_PADS:  # the others ignore it
            return count_index(str(settings["path_imgidx"]))
        return count_records(str(settings["path_imgrec"]))

    @property
    def batches_read(self) -> int:
        """Batches read since the last reset."""
        return self.seen.batches

    def offset(self, given: int | None) -> int | None:
        """Samples of the epoch to come that the last batch of the one before had."""
        seen = self.seen
        if self.ending is not Ending.ROUNDED or not (seen.epochs or seen.is_torn or given):
            return 0
        samples = self.samples
        if self.is_divisible():
            return 0
        if samples is None or seen.is_torn or (given and not seen.has_ended):
            return None
        offset = 0
        for _ in range(seen.epochs + (1 if given else 0)):
            offset = (offset - samples) % self.batch_size
        return offset


def origin_of(iterator: Any) -> Origin | None:
    """The origin that an iterator is; None if it is none, or one of an unknown plugin.

    Raises:
        DataError: it is one in C++ that was made before densefit was imported.
    """
    if isinstance(iterator, mx.io.NDArrayIter):
        return NDArrays(iterator)
    if isinstance(iterator, mx.image.ImageIter):
        return Images(iterator)
    if not isinstance(iterator, mx.io.MXDataIter):
        return None
    seen = observation(iterator)
    if seen is None:
        raise DataError(
            "The settings of an iterator are unknown, so its last rows may be samples or not",
            expected="an iterator made after densefit was imported",
            received="an mx.io.MXDataIter (ImageRecordIter, CSVIter, ...), which forgets its "
            "settings, made before",
            fix="import densefit before making the iterator",
        )
    return Native(iterator, seen) if seen.kind in NATIVE else None


#: The C++ iterators of MXNet 1.9.1.
NATIVE = (
    "CSVIter",
    "ImageDetRecordIter",
    "ImageRecordInt8Iter",
    "ImageRecordIter",
    "ImageRecordIter_v1",
    "ImageRecordUInt8Iter",
    "ImageRecordUInt8Iter_v1",
    "LibSVMIter",
    "MNISTIter",
)
