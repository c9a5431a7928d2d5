"""The table of a dataset in a file, which the next start maps instead of reading annotations."""

from __future__ import annotations

import ctypes
import json
import logging
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

from densefit.datasets.files.cache_folder import cache_files
from densefit.datasets.files.folder_state import FolderState
from densefit.once import warn_once

from .column_file import BrokenColumnsError, open_columns, read_meta, write_columns
from .object_table import ObjectTable
from .source_state import HASHED, contents, listing, names_of

logger = logging.getLogger(__name__)

#: Rises with each change of the columns' meaning, or of what the readers make of annotations.
FORMAT = 2
#: Smaller annotations are read as fast as a cache, which would only lie about.
SMALLEST_BYTES = 1 << 20
#: What a file of another version, or one that somebody made, may raise.
_UNUSABLE = (OSError, BrokenColumnsError, LookupError, TypeError, ValueError, ArithmeticError)
_JUST_NOW = 2_000_000_000  # ns; what changed so recently may change again within one time stamp


class TableCache:
    """Looks for a table that was stored by an earlier start, and stores one.

    A table is of the same format, settings and annotation files: up to 4 are compared by size and
    SHA-256 of their contents, more (or those of folders) by names, sizes and times in ns. Images
    whose size was read from their files are compared by size and time.

    Args:
        sources: annotation files, and folders whose names of files count.
        settings: all that decides the table beside the annotations.
        name: of the cache file, without its ending.
        image_root: folder of the images.
        look: gives the state of the folders that the table depends on, besides the sources.
    """

    def __init__(
        self,
        sources: Sequence[Path],
        settings: str,
        name: str,
        image_root: Path,
        look: Callable[[], FolderState] | None = None,
    ) -> None:
        self._sources, self._root = list(sources), image_root
        root = os.path.abspath(image_root)
        self._settings = json.dumps([FORMAT, settings, root, names_of(sources)])
        key = sha256(self._settings.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        self._files = cache_files(self._sources[0], f"{name}-{key}.columns")
        self._begun = time.time_ns()
        state = listing(self._sources)
        sizes = [size for _, size, _ in state]
        self._hashes = len(sources) <= HASHED and all(isinstance(size, int) for size in sizes)
        self._state = None if self._hashes else state
        self._folders = FolderState("", 0, 0)
        if self._files and look is not None:
            self._folders = look()
        total = sum(size for size in sizes if isinstance(size, int)) + self._folders.bytes
        if total < SMALLEST_BYTES:
            self._files = []

    @property
    def is_used(self) -> bool:
        """Whether a table is stored: not for small annotations, nor where caches are off."""
        return bool(self._files)

    def load(self) -> ObjectTable | None:
        """The stored table; None if there is none, or it is of other annotations or broken."""
        for path in self._files:
            try:
                meta = read_meta(path)
                if (meta["settings"], meta["folders"]) != (self._settings, self._folders.digest):
                    continue
                if self._state is None:
                    self._state = contents(self._sources, {})
                if meta["state"] != self._state:
                    continue
                file = open_columns(path)
                table = ObjectTable.of_file(file, file.meta["table"])
                if file.meta["state"] == self._state and file.meta["measured"] == _image_states(
                    table, self._root
                ):
                    return table
            except _UNUSABLE:
                continue
        return None

    def store(
        self, make: Callable[[], ObjectTable], digests: Mapping[Path, str] | None = None
    ) -> ObjectTable:
        """Store a table; give it as the file has it, or as it is where none can be written.

        Args:
            make: makes the table, from annotations that are read now.
            digests: gets SHA-256 of the annotation files that were read, while `make` runs.
        """
        table = make()
        if not self._files or self._is_fresh():
            return table
        state = contents(self._sources, digests or {}) if self._hashes else self._state
        header = table.header()
        meta: dict[str, Any] = {"settings": self._settings, "state": state, "table": header}
        meta["folders"] = self._folders.digest
        meta["measured"] = _image_states(table, self._root)
        reason: Exception | None = None
        for path in self._files:
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                write_columns(path, table.columns(), meta)
                table = ObjectTable.of_file(open_columns(path), header)
                _return_memory()
                return table
            except (OSError, BrokenColumnsError) as error:
                reason = error
        warn_once(
            logger,
            "No cache of the annotations can be written (%s), so each start reads them, and each "
            "process has its own; DENSEFIT_CACHE=<folder> chooses another place",
            reason,
        )
        return table

    def _is_fresh(self) -> bool:
        """Whether a file changed so recently that its time does not tell of another change."""
        times = [] if self._hashes else [time_ns for *_, time_ns in self._state or ()]
        return max([self._folders.newest, *times]) > self._begun - _JUST_NOW


def _return_memory() -> None:
    """Return freed memory to the system, where it is the C library's own choice: 220 MB of COCO."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def digest(value: object) -> str:
    """SHA-256 of a value's repr, for the key of a table."""
    return sha256(repr(value).encode("utf-8", "surrogatepass")).hexdigest()


def _image_states(table: ObjectTable, image_root: Path) -> list[list[int]]:
    """Size and time of the files of images that were measured."""
    states = []
    for index in table.measured.tolist():
        try:
            status = os.stat(image_root / table.files[index])
            states.append([status.st_size, status.st_mtime_ns])
        except (OSError, ValueError):
            states.append([-1, 0])
    return states
