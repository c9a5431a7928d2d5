"""Files of a split: whether they are there, their headers, and their content's hash."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from densefit.data.io.header_file import ImageHeader, read_header
from densefit.errors import DataError, DensefitError
from densefit.tools.data_check.file_cache import FileCache, FileState
from densefit.tools.data_check.findings import as_data_error

_PIECE = 1 << 20  # bytes that are hashed at once


@dataclass
class ImageFiles:
    """Image files of a split.

    Attributes:
        paths: of each sample's image, "" if there is none; empty if the dataset does not say.
        states: of each file; None where `paths` is "".
        errors: index -> why its files cannot be read.
        headers: of each file, as far as they were read; else None.
        is_declared: whether the dataset says where its images are.
    """

    paths: list[str] = field(default_factory=list)
    states: list[FileState | None] = field(default_factory=list)
    errors: dict[int, DensefitError] = field(default_factory=dict)
    headers: list[ImageHeader | None] = field(default_factory=list)
    is_declared: bool = False

    def path(self, index: int) -> str:
        """Path of a sample's image; "" if it is not known."""
        return self.paths[index] if self.paths else ""

    @classmethod
    def of(cls, dataset: Any) -> ImageFiles:
        """Look for the image file, and the mask or depth file, of every sample."""
        image_of = getattr(dataset, "picture_file", None)
        labels_of = getattr(dataset, "label_files", None)
        if image_of is None:
            return cls()
        count = len(dataset)
        files = cls([""] * count, [None] * count, {}, [None] * count, is_declared=True)
        for index in range(count):
            try:
                path = os.fspath(image_of(index))
                files.states[index] = _state(path)
                files.paths[index] = path
                for label_path in () if labels_of is None else labels_of(index):
                    _state(label_path)
            except Exception as error:
                files.errors[index] = as_data_error(error, "Finding the file")
        return files

    def missing_headers(self, cache: FileCache) -> list[int]:
        """Take headers from the cache; returns the indices whose header must be read."""
        missing = []
        for index, (path, state) in enumerate(zip(self.paths, self.states)):
            if state is not None and self.headers[index] is None:
                self.headers[index] = cache.get(path, state).header
                if self.headers[index] is None:
                    missing.append(index)
        return missing

    def read_headers(self, indices: Sequence[int], cache: FileCache) -> None:
        """Read headers; files without a readable one get an entry in `errors`."""
        for index in indices:
            path, state = self.paths[index], self.states[index]
            if state is None:
                continue
            try:
                header = read_header(Path(path))
            except DensefitError as error:
                self.errors.setdefault(index, error)
                continue
            self.headers[index] = header
            cache.put(path, state, header=header)


def digest_of(path: str, state: FileState, cache: FileCache) -> str | None:
    """Hash of a file's content, from the cache if it is there; None if it cannot be read."""
    digest = cache.get(path, state).digest
    if digest is None:
        hasher = hashlib.blake2b(digest_size=16)
        try:
            with open(path, "rb") as stream:
                while piece := stream.read(_PIECE):
                    hasher.update(piece)
        except OSError:
            return None
        digest = hasher.hexdigest()
        cache.put(path, state, digest=digest)
    return digest


def _state(path: str | os.PathLike[str]) -> FileState:
    """State of a regular file. Raises DataError if there is none."""
    try:
        status = os.stat(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DataError(f"The file cannot be read: {reason}", where=os.fspath(path)) from error
    if not stat.S_ISREG(status.st_mode):
        raise DataError("This is no regular file", where=os.fspath(path))
    return FileState(status.st_size, status.st_mtime_ns)
