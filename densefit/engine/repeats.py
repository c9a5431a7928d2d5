"""Find samples that a user's iterator repeats in a pass, by their `DataBatch.index`."""

from __future__ import annotations

import logging
import zlib

import numpy as np

from densefit.data.batch import Batch
from densefit.errors import DataError
from densefit.once import warn_once

_log = logging.getLogger("densefit")
_LOOKED_AT = 256  # numbers of a row: enough to tell samples apart


class Repeats:
    """Find repeated samples in a scoring pass by `DataBatch.index`.

    The index may not number samples, such as the zeros of ImageRecordIter: if
    rows with the same index differ, this is logged, and the index is ignored from then on.

    Args:
        where: purpose of the data, for error messages.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self._rows: dict[int, int] = {}  # number -> checksum of its row
        self._is_index = True

    def begin(self) -> None:
        """Begin a new pass."""
        self._rows = {}

    def look(self, batch: Batch) -> None:
        """Check a batch of an iterator without ids.

        Raises:
            DataError: a repeated sample.
        """
        index = batch.index
        if index is None or not self._is_index:
            return
        numbers = np.asarray(index)
        if numbers.dtype.kind not in "iu" or numbers.shape not in ((batch.rows,), (batch.real,)):
            self._give_up(f"the index of a batch of {batch.rows} rows is {index!r:.100}")
            return
        for number, row in zip(numbers.tolist(), _checksums(batch)):
            before = self._rows.get(number)
            if before == row:
                raise DataError(
                    f"The sample with the index {number} came twice while scoring",
                    expected="every sample once",
                    where=f"{self._where} data",
                    fix="yield each sample once, or set DataBatch(index=None) if the index does "
                    "not number samples",
                )
            if before is not None:
                self._give_up(f"different samples have the index {number}")
                return
            self._rows[number] = row

    def _give_up(self, why: str) -> None:
        self._is_index = False
        warn_once(
            _log,
            "DataBatch.index of the %s data numbers no samples (%s): whether a sample comes twice "
            "is not checked",
            self._where,
            why,
        )


def _checksums(batch: Batch) -> list[int]:
    """Compute a checksum of each sample, from a part of its data and labels."""
    sums = [0] * batch.real
    for array in [*batch.data.values(), *batch.labels.values()]:
        flat = np.asarray(array).reshape(batch.rows, -1)
        step = -(-flat.shape[1] // _LOOKED_AT)
        rows = flat[: batch.real, ::step]
        sums = [zlib.crc32(row.tobytes(), before) for row, before in zip(rows, sums)]
    return sums
