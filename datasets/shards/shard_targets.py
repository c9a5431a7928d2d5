"""Names of the targets of each sample in shards."""

from __future__ import annotations

import base64
import binascii
import zlib
from collections.abc import Collection, Iterable, Iterator, Sequence

import numpy as np

from densefit.datasets.record.description import unreadable
from densefit.errors import DataError


class ShardTargets(Sequence["frozenset[str] | None"]):
    """Names of the targets of each sample, decoded a shard at a time.

    Args:
        names: distinct lists of targets; None for samples that must be read to know.
        kinds: of each shard, which list all its samples have, or one of each sample: deflated
            int32 in base64.
        sizes: samples of each shard.
        where: of the list, for errors.

    Attributes:
        is_complete: whether the targets of all samples are declared.
    """

    def __init__(
        self,
        names: Iterable[Collection[str] | None],
        kinds: Sequence[int | str],
        sizes: Sequence[int],
        where: object,
    ) -> None:
        self._sets = [None if entry is None else frozenset(entry) for entry in names]
        self.is_complete = None not in self._sets
        self._kinds, self._where = list(kinds), str(where)
        self._ends = np.cumsum(sizes)
        self._decoded: tuple[int, np.ndarray] = (-1, np.zeros(0, np.int32))

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, index: int) -> frozenset[str] | None:  # type: ignore[override]
        index = range(len(self))[index]
        shard = int(np.searchsorted(self._ends, index, "right"))
        kinds = self._of(shard)
        return self._sets[kinds[index - self._ends[shard] + len(kinds)]]

    def __iter__(self) -> Iterator[frozenset[str] | None]:
        for shard in range(len(self._kinds)):
            yield from map(self._sets.__getitem__, self._of(shard).tolist())

    def _of(self, shard: int) -> np.ndarray:
        number, decoded = self._decoded
        if number != shard:
            count = int(self._ends[shard] - (self._ends[shard - 1] if shard else 0))
            decoded = _inflated(self._kinds[shard], count, len(self._sets), self._where)
            self._decoded = (shard, decoded)
        return decoded


def deflated(kinds: Sequence[int] | np.ndarray) -> int | str:
    """One number, if all are equal, else deflated little-endian int32 in base64."""
    numbers = np.asarray(kinds, "<i4")
    if (numbers == numbers[0]).all():
        return int(numbers[0])
    return base64.b64encode(zlib.compress(numbers.tobytes(), 9)).decode()


def _inflated(kinds: int | str, count: int, most: int, where: str) -> np.ndarray:
    """(count,) int32, each below `most`."""
    try:
        if isinstance(kinds, str):
            inflater = zlib.decompressobj()
            data = inflater.decompress(base64.b64decode(kinds, validate=True), 4 * count + 1)
            decoded = np.frombuffer(data, "<i4").astype(np.int32)
        else:
            decoded = np.full(count, kinds, np.int32)
    except (ValueError, binascii.Error, zlib.error) as error:
        raise unreadable(where, error) from error
    if len(decoded) != count or (count and not 0 <= decoded.min() <= decoded.max() < most):
        raise DataError(
            "The list of shards has targets that are none",
            where=where,
            fix="pack it again, or fetch the file again",
        )
    return decoded
