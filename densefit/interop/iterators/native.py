"""MXNet's C++ iterators: `mx.io.ImageRecordIter`, `CSVIter` and the others."""

from __future__ import annotations

from typing import Any

from densefit.interop.iterators.observed import STALE_PADS, Observation
from densefit.interop.iterators.origins import Ending, Origin
from densefit.interop.iterators.record_count import count_indexed, count_mnist, count_records
from densefit.interop.random_settings import random_settings

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


class Native(Origin):
    """Origin of a C++ iterator (`mx.io.MXDataIter`) whose settings were observed.

    Args:
        iterator: an `mx.io.MXDataIter`.
        seen: observation of the iterator.
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
        # MNISTIter shuffles once, at its creation.
        self._shuffles_chunks = seen.number("shuffle_chunk_size", 0) > 0
        self.shuffles = seen.kind != "MNISTIter" and (
            seen.flag("shuffle", False) or self._shuffles_chunks
        )
        self.is_reset_idempotent = self.ending is not Ending.ROUNDED
        self.reuses_arrays = seen.settings.get("ctx") == "cpu" and seen.kind in STALE_PADS

    @property
    def samples(self) -> int | None:
        """Return the number of records or rows in the files, or of a whole epoch read so far."""
        if self.seen.samples is None:
            self.seen.samples = self._count()
        return self.seen.samples

    @property
    def can_learn(self) -> bool:
        """Return whether an epoch that is read to its end reveals the number of samples."""
        return self.seen.has_right_pads

    @property
    def random(self) -> list[str]:
        """Return the random settings."""
        return random_settings(self.seen.settings)

    def _count(self) -> int | None:
        settings = self.seen.settings
        parts, part = self.seen.number("num_parts", 1), self.seen.number("part_index", 0)
        if self.seen.kind == "MNISTIter":
            total = count_mnist(str(settings.get("image", "./train-images-idx3-ubyte")))
            if total is None:
                return None
            return int(total / parts * (part + 1)) - int(total / parts * part)
        if "path_imgrec" not in settings or (parts > 1 and self._shuffles_chunks):
            return None
        path, index = str(settings["path_imgrec"]), settings.get("path_imgidx")
        if index and self.seen.kind in STALE_PADS:  # the others ignore it
            return count_indexed(str(index), path, part, parts)
        return count_records(path, part, parts)

    @property
    def batches_read(self) -> int:
        """Return the number of batches read since the last reset."""
        return self.seen.batches

    def offset(self, batches_given: int | None) -> int | None:
        """Return the number of samples of the next epoch that fill up this epoch's last batch."""
        seen = self.seen
        if self.ending is not Ending.ROUNDED or not (seen.epochs or seen.is_torn or batches_given):
            return 0
        samples = self.samples
        if self.is_divisible():
            return 0
        if samples is None or seen.is_torn or (batches_given and not seen.has_ended):
            return None
        offset = 0
        for _ in range(seen.epochs + (1 if batches_given else 0)):
            offset = (offset - samples) % self.batch_size
        return offset
