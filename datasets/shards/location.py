"""A folder of shards, local or remote."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from .cached_file import LocalCopy
from .shard_list import Shard

MOST_BYTES = 1 << 30  # of a list


class OpenShard:
    """Files of a shard in a folder, which stay until this object is released.

    Attributes:
        folder: of the files.
    """

    def __init__(self, folder: Path, copies: Sequence[LocalCopy] = ()) -> None:
        self.folder, self._copies = folder, copies

    def release(self) -> None:
        """Allow a cache to remove the files."""
        for copy in self._copies:
            copy.release()


class Location(Protocol):
    """A folder of shards.

    Attributes:
        is_remote: whether opening a shard copies it.
    """

    is_remote: bool

    def read(self, name: str) -> bytes | None:
        """Content of a small file; None if there is none."""

    def files(self) -> dict[str, tuple[int, str]]:
        """Name of each file -> (bytes, version)."""

    def state(self, name: str) -> tuple[int, str]:
        """(bytes, version) of a file. Raises DataError if there is none."""

    def below(self, name: str) -> Location:
        """A folder in this folder."""

    def open(self, shard: Shard) -> OpenShard:
        """Make the files of a shard local. Raises DataError if that fails."""

    def confirm(self, shard: Shard) -> None:
        """Raise DataError if files of an open shard were replaced since they were listed."""

    def read_ahead(self, shard: Shard) -> None:
        """Prepare a shard that is opened soon."""

    def remove_damaged(self, shard: Shard) -> bool:
        """Remove damaged copies of a shard, to copy them again; whether there were any."""

    def where(self, name: str) -> str:
        """Path or address of a file."""
