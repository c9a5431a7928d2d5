"""Headers and hashes of image files, kept between runs beside the data."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from densefit.checkpoint.storage.atomic import replace_file
from densefit.data.io.header_file import ImageHeader
from densefit.datasets.files.cache_folder import cache_files

_log = logging.getLogger("densefit")

NAME = "images.json"
_VERSION = 1


class FileState(NamedTuple):
    """Size in bytes and time of the last change in ns, which tell whether a file changed."""

    size: int
    mtime_ns: int


class FileFacts(NamedTuple):
    """What was read of a file in some state.

    Attributes:
        state: of the file when it was read.
        header: None if it was not read.
        digest: hash of the content, in hexadecimal digits; None if it was not computed.
    """

    state: FileState
    header: ImageHeader | None = None
    digest: str | None = None


class FileCache:
    """Facts of the files of one dataset folder.

    They lie where caches of annotations do (see `cache_files`), in a file that is replaced
    atomically and keeps what another process has written meanwhile. A broken one is ignored, and
    written again.

    Args:
        folder: folder of the dataset.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = os.path.join(os.path.abspath(folder), "")
        self._files = cache_files(folder, NAME)
        self._rows: dict[str, Any] = {}  # as read; a row is checked when it is asked for
        for path in reversed(self._files):
            self._rows.update(_read(path))
        self._new: dict[str, FileFacts] = {}

    def get(self, path: str, state: FileState) -> FileFacts:
        """Facts of a file in its present state; empty ones if it was never read in that state."""
        key = self._key(path)
        facts = self._new.get(key)
        if facts is None and key in self._rows:
            facts = _facts(self._rows[key])
        return facts if facts is not None and facts.state == state else FileFacts(state)

    def put(
        self,
        path: str,
        state: FileState,
        header: ImageHeader | None = None,
        digest: str | None = None,
    ) -> None:
        """Add facts of a file; facts of the same state that are not given stay."""
        before = self.get(path, state)
        self._new[self._key(path)] = FileFacts(
            state, header or before.header, digest or before.digest
        )

    def save(self) -> None:
        """Write what is new, if anything is. A disk that refuses is told once, as a warning."""
        if not self._new or not self._files:
            return
        error: OSError | None = None
        for path in self._files:
            # Another process may have written since this one has read.
            rows = {**self._rows, **_read(path), **_rows(self._new)}
            text = json.dumps({"version": _VERSION, "files": rows}, separators=(",", ":"))
            try:
                replace_file(path, [text.encode("ascii")])  # json escapes all other characters
            except OSError as refusal:
                error = refusal
                continue
            self._rows, self._new = rows, {}
            return
        _log.warning("headers of image files are not cached: %s", error)

    def _key(self, path: str) -> str:
        return path[len(self._folder) :] if path.startswith(self._folder) else path


def _rows(facts: Mapping[str, FileFacts]) -> dict[str, list[Any]]:
    """Facts as JSON: size, time, digest, and the header's format, height, width, orientation."""
    rows: dict[str, list[Any]] = {}
    for path, entry in facts.items():
        header = entry.header
        rows[path] = [entry.state.size, entry.state.mtime_ns, entry.digest]
        if header is not None:
            rows[path] += [header.kind, *header.size, header.orientation]
    return rows


def _read(path: Path) -> dict[str, Any]:
    """Rows of a cache file; none if it is missing, broken or of another version."""
    try:
        content: Any = json.loads(path.read_bytes())
        return dict(content["files"]) if content["version"] == _VERSION else {}
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return {}


def _facts(row: Any) -> FileFacts | None:
    """Facts of a row; None if somebody has changed it."""
    try:
        size, mtime_ns, digest, *rest = row
        state = FileState(int(size), int(mtime_ns))
        header = None
        if rest:
            kind, height, width, orientation = rest
            header = ImageHeader(str(kind), (int(height), int(width)), int(orientation))
        return FileFacts(state, header, None if digest is None else str(digest))
    except (ValueError, TypeError):
        return None
