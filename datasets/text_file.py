"""Bytes and text of annotation files, lists and tables: regular files, decoded as they say."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

from densefit.errors import DataError

#: A file that states an absurd size may have no blocks on the disk at all.
MOST_BYTES = 8 << 30


def read_bytes(path: Path, what: str, most: int = MOST_BYTES) -> bytes:
    """The content of a regular file; a pipe would be waited for, and a device never ends.

    Args:
        path: the file, or a link to it.
        what: the file holds, as errors begin: "The list".
        most: bytes that it may have.

    Raises:
        DataError: the file is missing, too large, no regular file or cannot be read.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | getattr(os, "O_CLOEXEC", 0))
        with open(descriptor, "rb") as file:
            state = os.fstat(descriptor)
            if not stat.S_ISREG(state.st_mode):
                raise DataError(
                    f"{what} cannot be read: it is no regular file",
                    received=kind_of_file(state.st_mode),
                    where=path,
                )
            if state.st_size > most:
                raise DataError(
                    f"{what} cannot be read: the file is too large",
                    expected=f"at most {most:,} bytes",
                    received=f"{state.st_size:,} bytes",
                    where=path,
                )
            return file.read()
    except (OSError, ValueError, MemoryError) as error:  # ValueError: a name with a zero byte
        reason = getattr(error, "strerror", None) or str(error) or "not enough memory"
        raise DataError(f"{what} cannot be read: {reason}", where=path) from error


def kind_of_file(mode: int) -> str:
    """What a path that is no regular file is, in words."""
    kinds = ((stat.S_ISDIR, "folder"), (stat.S_ISFIFO, "pipe"), (stat.S_ISSOCK, "socket"))
    return next((f"a {name}" for of_kind, name in kinds if of_kind(mode)), "a device")


def read_text(path: Path, what: str) -> str:
    """The text of a file; see `decoded`.

    Raises:
        DataError: the file cannot be read, or is not text.
    """
    return decoded(read_bytes(path, what), path, what)


def decoded(data: bytes, path: object, what: str) -> str:
    """Text in UTF-8, or in UTF-16 or UTF-32, with or without a byte order mark.

    Other encodings leave no mark: most bytes of Big5 are also valid GBK, and would give other
    characters.

    Args:
        data: of the file.
        path: the file, for errors.
        what: the file holds, as errors begin.

    Raises:
        DataError: the bytes are none of these.
    """
    try:
        text = data.decode(json.detect_encoding(data))
    except UnicodeDecodeError as error:
        raise DataError(
            f"{what} cannot be read: the bytes are not text in UTF-8 or UTF-16",
            received=f"{data[error.start : error.start + 4]!r} at byte {error.start}",
            where=path,
            fix=f"write it in UTF-8, from GBK say: iconv -f GB18030 -t UTF-8 {path} > utf8",
        ) from error
    return text[1:] if text.startswith("\ufeff") else text
