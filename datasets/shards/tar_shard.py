"""Read the samples of a tar file by number."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from densefit.data.io.image_limits import BYTES, most_bytes
from densefit.data.io.regular_file import open_regular
from densefit.data.sample import Sample
from densefit.errors import DataError
from densefit.process.system_calls import read_at

from .tar_fields import TarFields
from .tar_index import TarIndex


class TarShard:
    """Samples of a tar file; any number of threads may read at once.

    Args:
        path: the file.
        where: its path or address, for errors.
        name: that ids begin with.
        index: of the file.
        fields: which files are which targets.
        is_copy: whether the file is a copy of a cache, which nobody writes again.
    """

    def __init__(
        self,
        path: Path,
        where: str,
        name: str,
        index: TarIndex,
        fields: TarFields,
        is_copy: bool,
    ) -> None:
        self._where, self._name, self._index, self._fields = where, name, index, fields
        self._descriptor, _ = open_regular(path)
        self._state = None if is_copy else self._current()

    def __del__(self) -> None:
        if getattr(self, "_descriptor", -1) >= 0:
            os.close(self._descriptor)

    def __len__(self) -> int:
        return len(self._index)

    def id_of(self, index: int) -> str:
        """Name of the file, and key of a sample."""
        return f"{self._name}/{self._index.keys[index]}"

    def targets_of(self, index: int) -> Sequence[str] | None:
        """Names of a sample's targets; None if a JSON file of the sample decides."""
        return self._fields.targets(self._index.extensions[self._index.kinds[index]])

    def image_bytes(self, index: int) -> bytes:
        """Content of the image's file."""
        files, where = self._index.files(index), self._where_of(index)
        extension = self._fields.image_extension(list(files), where)
        return self._read(*files[extension], f"{where}.{extension}")

    def __getitem__(self, index: int) -> Sample:
        files, where = self._index.files(index), self._where_of(index)
        extensions = self._fields.read_extensions(list(files), where)
        content = {
            extension: self._read(*files[extension], f"{where}.{extension}")
            for extension in extensions.values()
        }
        return self._fields.sample(self.id_of(index), content, where)

    def _where_of(self, index: int) -> str:
        return f"{self._where}, {self._index.keys[index]}"

    def _read(self, offset: int, size: int, where: str) -> bytes:
        if size > most_bytes():
            raise DataError(
                "A file in a tar file is too large",
                expected=f"at most {most_bytes():,} bytes",
                received=f"{size:,} bytes",
                where=where,
                fix=f"is it right? Set {BYTES} in the environment",
            )
        blocks: list[bytes] = []
        while size > 0:
            block = read_at(self._descriptor, size, offset)
            if not block:
                raise DataError("The tar file is cut short", where=where)
            blocks.append(block)
            size, offset = size - len(block), offset + len(block)
        if self._state not in (None, self._current()):
            raise DataError(
                "The tar file was replaced while it was read",
                where=where,
                fix="start again, without changing the shards meanwhile",
            )
        return b"".join(blocks)

    def _current(self) -> tuple[int, int]:
        """Bytes of the file, and the time of its last change."""
        status = os.fstat(self._descriptor)
        return status.st_size, status.st_mtime_ns
