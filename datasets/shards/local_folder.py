"""Shards in a folder of this machine."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from densefit.data.io.regular_file import open_regular, read_regular
from densefit.errors import DataError

from .location import MOST_BYTES, OpenShard
from .shard_list import Shard, ShardFile

_AHEAD = 1 << 20  # bytes that the system is asked to read at once


class LocalFolder:
    """A folder of this machine.

    Args:
        root: the folder.
    """

    is_remote = False

    def __init__(self, root: Path) -> None:
        self.root = root

    def read(self, name: str) -> bytes | None:
        path = self.root / name
        return read_regular(path, MOST_BYTES) if path.exists() else None

    def files(self) -> dict[str, tuple[int, str]]:
        try:
            names = sorted(os.listdir(self.root))
        except OSError as error:
            raise DataError(
                f"The folder of shards cannot be read: {error.strerror}", where=self.root
            ) from error
        return {name: self.state(name) for name in names if (self.root / name).is_file()}

    def state(self, name: str) -> tuple[int, str]:
        try:
            status = os.stat(self.root / name)
        except OSError as error:
            raise DataError(
                f"A shard cannot be read: {error.strerror}", where=self.root / name
            ) from error
        return status.st_size, str(status.st_mtime_ns)

    def below(self, name: str) -> LocalFolder:
        return LocalFolder(self.root / name)

    def open(self, shard: Shard) -> OpenShard:
        for file in shard.files:
            self._check_state(file)
        return OpenShard(self.root)

    def confirm(self, shard: Shard) -> None:
        for file in shard.files:
            self._check_state(file)
            if file.crc32 is not None and not file.name.endswith(".rec"):  # records have their own
                file.check(self.read(file.name) or b"", self.where(file.name))

    def _check_state(self, file: ShardFile) -> None:
        """Raise DataError if a file has another size or version than in the list."""
        size, version = self.state(file.name)
        if size != file.size:
            raise DataError(
                "A file of a shard is cut short, or of another packing than the list of shards",
                expected=f"{file.size} bytes",
                received=f"{size} bytes",
                where=self.root / file.name,
                fix="fetch the file again, or pack the dataset again",
            )
        if file.version not in (None, version):
            raise DataError(
                "A shard was replaced since it was listed",
                where=self.root / file.name,
                fix="start again, without changing the shards meanwhile",
            )

    def read_ahead(self, shard: Shard) -> None:
        """Ask the system to read a shard from its start to its end into the page cache."""
        if not hasattr(os, "posix_fadvise"):
            return
        for file in shard.files:
            with suppress(DataError, OSError):  # it is told when the shard is opened
                descriptor, size = open_regular(self.root / file.name)
                try:
                    for offset in range(0, size, _AHEAD):  # Linux reads no more per call
                        os.posix_fadvise(descriptor, offset, _AHEAD, os.POSIX_FADV_WILLNEED)
                finally:
                    os.close(descriptor)

    def remove_damaged(self, shard: Shard) -> bool:
        return False

    def where(self, name: str) -> str:
        return str(self.root / name)
