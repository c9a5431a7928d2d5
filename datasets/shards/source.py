"""Where the samples of a split come from: packed shards, or tar files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from densefit.datasets.record.description import Description
from densefit.datasets.record.record import Record
from densefit.errors import DataError, located

from .location import Location
from .open_shards import ShardReader
from .shard_list import LIST_SUFFIX, Shard, ShardList


class ShardSource(Protocol):
    """Opens the shards of a split.

    Attributes:
        location: folder of the shards.
        list: the shards.
    """

    location: Location
    list: ShardList

    def open(self, shard: Shard) -> tuple[ShardReader, Any]:
        """Open a shard; returns its reader, and what keeps its files in a cache."""

    def ids(self, shard: Shard) -> Sequence[str]:
        """Ids of a shard's samples, whose files need not be local."""

    def files(self) -> Sequence[str]:
        """Names of the files that change with the samples."""


class PackedSource:
    """Shards by `tools/pack.py`.

    Args:
        location: folder of the shards.
        split: name of the list.
        content: of the list.

    Raises:
        DataError: the list is broken.
    """

    def __init__(self, location: Location, split: str, content: bytes) -> None:
        self.location = location
        self._name = f"{split}{LIST_SUFFIX}"
        self.list = ShardList.parse(content, location.where(self._name))

    def open(self, shard: Shard) -> tuple[ShardReader, Any]:
        """Open a file of records."""
        files = self.location.open(shard)
        with located(self.location.where(shard.name)):
            record = Record(files.folder, shard.name)
        self.location.confirm(shard)
        check_samples(shard, len(record), self.location)
        return record, files

    def ids(self, shard: Shard) -> Sequence[str]:
        """Ids in the description beside the records."""
        name = f"{shard.name}.json"
        content, where = self.location.read(name) or b"", self.location.where(name)
        next(file for file in shard.files if file.name == name).check(content, where)
        ids = Description.parse(content, where).ids
        check_samples(shard, len(ids), self.location)
        return ids

    def files(self) -> Sequence[str]:
        """The list, which has the crc32 of all others."""
        return [self._name]


def check_samples(shard: Shard, samples: int, location: Location) -> None:
    """Raise DataError unless a shard has as many samples as its list says."""
    if samples != shard.samples:
        raise DataError(
            "A shard has another number of samples than its list says",
            expected=shard.samples,
            received=samples,
            where=location.where(shard.name),
            fix="pack the dataset again, or fetch the files again",
        )
