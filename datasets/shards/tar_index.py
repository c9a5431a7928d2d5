"""Which samples a tar file has, by WebDataset's conventions, and where their files lie in it."""

from __future__ import annotations

import logging
import os
import re
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from densefit.datasets.objects.column_file import (
    BrokenColumnsError,
    open_columns,
    read_meta,
    write_columns,
)
from densefit.datasets.objects.text_column import TextColumn
from densefit.errors import DataError
from densefit.once import warn_once

_log = logging.getLogger(__name__)
_FORMAT = 2
#: A name is the key of a sample up to the first dot behind the last slash, and an extension.
_NAME = re.compile(r"((?:.*/|)[^./]+)[.]([^/]*)", re.DOTALL)
_META = re.compile(r"__[^/]*__($|/)")
_LONGEST_LABEL = 32
_NUMBER = re.compile(rb"(?:\xef\xbb\xbf)?\s*([0-9]{1,7})\s*")


@dataclass(frozen=True)
class TarIndex:
    """Samples of a tar file.

    Attributes:
        keys: of the samples.
        extensions: distinct lists of extensions, small letters.
        kinds: (samples,) int32, which of these each sample has.
        firsts: (samples,) int64, number of each sample's first file.
        offsets: (files,) int64, where the content of each file begins.
        lengths: (files,) int64, bytes of each file.
        classes: 1 + the largest number in files `.cls`; 0 if there are none.
    """

    keys: TextColumn
    extensions: list[list[str]]
    kinds: np.ndarray
    firsts: np.ndarray
    offsets: np.ndarray
    lengths: np.ndarray
    classes: int

    def __len__(self) -> int:
        return len(self.keys)

    def files(self, index: int) -> dict[str, tuple[int, int]]:
        """Extension -> (offset, bytes) of each file of a sample."""
        first = int(self.firsts[index])
        return {
            extension: (int(self.offsets[number]), int(self.lengths[number]))
            for number, extension in enumerate(self.extensions[self.kinds[index]], first)
        }

    def store(self, path: Path) -> None:
        """Write the index to a file, if that can be written."""
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            arrays = {
                "keys": self.keys.data,
                "starts": self.keys.starts,
                **{name: getattr(self, name) for name in _ARRAYS},
            }
            facts = {"samples": len(self), "extensions": self.extensions, "classes": self.classes}
            write_columns(path, arrays, {"format": _FORMAT, **facts})

    @classmethod
    def load(cls, path: Path) -> TarIndex | None:
        """Map an index; None if there is none, or it is damaged."""
        try:
            file = open_columns(path)
            if file.meta["format"] != _FORMAT:
                return None
            keys = TextColumn(file.arrays["keys"], file.arrays["starts"])
            kinds, firsts, offsets, lengths = (file.arrays[name] for name in _ARRAYS)
            extensions, classes = file.meta["extensions"], file.meta["classes"]
            return cls(keys, extensions, kinds, firsts, offsets, lengths, classes)
        except _UNUSABLE:
            return None

    @classmethod
    def facts(cls, path: Path) -> tuple[int, list[list[str]], int] | None:
        """Number of samples, `extensions` and `classes` of a stored index; None if unusable."""
        try:
            meta = read_meta(path)
            if meta["format"] != _FORMAT:
                return None
            return int(meta["samples"]), meta["extensions"], int(meta["classes"])
        except _UNUSABLE:
            return None


_ARRAYS = ("kinds", "firsts", "offsets", "lengths")
_UNUSABLE = (OSError, BrokenColumnsError, LookupError, TypeError, ValueError)


def scan(path: Path, where: str) -> TarIndex:
    """Read the headers of a tar file.

    Files with one key are a sample, also where others lie between them. Folders, links, hidden
    files and names such as `__meta__` are left out, as WebDataset does, and names without an
    extension, with a warning.

    Args:
        path: the file.
        where: its path or address, for errors.

    Raises:
        DataError: it is no tar file, compressed, cut short, or a sample has two files of one
            extension.
    """
    samples: dict[str, dict[str, tuple[int, int]]] = {}
    strays: list[str] = []
    classes = 0
    with open(path, "rb") as content:
        for name, offset, size in _members(path, where):
            match = _NAME.fullmatch(name)
            if _META.match(name):
                continue
            if match is None:
                if not name.rpartition("/")[2].startswith("."):
                    strays.append(name)
                continue
            key, extension = match[1], match[2].lower()
            files = samples.setdefault(key, {})
            if extension in files:
                raise DataError(
                    "A sample of a tar file has two files of one extension",
                    received=name,
                    where=f"{where}, sample {key!r}",
                    fix="write the files of each sample under a key that the tar file has once",
                )
            files[extension] = (offset, size)
            if extension == "cls" and size <= _LONGEST_LABEL:
                content.seek(offset)
                number = _NUMBER.fullmatch(content.read(size))
                classes = max(classes, int(number[1]) + 1) if number else classes
    if strays:
        _log.warning(
            "%s: %d files are of no sample, since their names have no extension, such as %r",
            *(where, len(strays), strays[0]),
        )
    return _index(samples, classes)


def _index(samples: Mapping[str, Mapping[str, tuple[int, int]]], classes: int) -> TarIndex:
    """Index of samples: key -> extension -> (offset, bytes) of a file."""
    kind_of: dict[tuple[str, ...], int] = {}
    kinds = [kind_of.setdefault(tuple(files), len(kind_of)) for files in samples.values()]
    spans = [span for files in samples.values() for span in files.values()]
    table = np.array(spans, np.int64).reshape(-1, 2)
    lengths = np.array([len(files) for files in samples.values()], np.int64)
    return TarIndex(
        TextColumn.of(samples),
        list(map(list, kind_of)),
        np.array(kinds, np.int32),
        np.cumsum(lengths) - lengths,
        table[:, 0].copy(),
        table[:, 1].copy(),
        classes,
    )


def _members(path: Path, where: str) -> Iterator[tuple[str, int, int]]:
    """Name, offset and bytes of each regular file."""
    length = os.path.getsize(path)
    end = 0
    try:
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                archive.members = []  # type: ignore[attr-defined]  # it would keep all
                end = member.offset_data + -(-member.size // 512) * 512
                if member.issparse():
                    raise _unreadable(where, f"{member.name!r} is stored sparsely")
                if member.isreg():
                    if member.offset_data + member.size > length:
                        raise _unreadable(where, f"it ends within {member.name!r}")
                    yield member.name, member.offset_data, member.size
    except (tarfile.TarError, OSError, ValueError, EOFError) as error:
        raise _unreadable(where, str(error)) from error
    if length < end + 1024:
        warn_once(
            _log,
            "%s has no end: it may have been cut short between two files",
            where,
        )


def _unreadable(where: str, reason: str) -> DataError:
    return DataError(
        "A shard is no whole tar file",
        expected="an uncompressed tar file (decompress .tar.gz)",
        received=reason,
        where=where,
        fix="fetch the file again, or decompress it",
    )
