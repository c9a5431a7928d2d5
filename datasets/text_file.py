"""Text of annotation files, lists and tables."""

from __future__ import annotations

import json
from pathlib import Path

from densefit.data.regular_file import read_regular
from densefit.errors import DataError

#: A file that states an absurd size may have no blocks on the disk at all.
MOST_BYTES = 8 << 30


def read_text(path: Path, what: str) -> str:
    """The text of a file; see `decoded`.

    Raises:
        DataError: the file cannot be read, or is not text.
    """
    return decoded(read_regular(path, MOST_BYTES, what=what), path, what)


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
