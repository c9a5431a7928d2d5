"""Text of annotation files, lists and tables."""

from __future__ import annotations

import json
import os
from pathlib import Path

from densefit.data.io.regular_file import read_regular
from densefit.errors import ConfigError, DataError

#: A file that states an absurd size may have no blocks on the disk at all.
MOST_BYTES = 8 << 30
#: Names the encoding of texts that are not in one which can be told from their bytes.
ENCODING = "DENSEFIT_TEXT_ENCODING"


def read_text(path: Path, what: str) -> str:
    """The text of a file; see `decoded`.

    Raises:
        DataError: the file cannot be read, or is not text.
    """
    return decoded(read_regular(path, MOST_BYTES, what=what), path, what)


def decoded(data: bytes, path: object, what: str) -> str:
    """Text in UTF-8, or in UTF-16 or UTF-32, with or without a byte order mark.

    Other encodings leave no mark: most bytes of Big5 are also valid GBK, and would give other
    characters. Text that is not UTF is in the encoding that the environment variable
    DENSEFIT_TEXT_ENCODING names.

    Args:
        data: of the file.
        path: the file, for errors.
        what: the file holds, as errors begin.

    Raises:
        ConfigError: the environment names no encoding.
        DataError: the bytes are none of these.
    """
    try:
        text = data.decode(json.detect_encoding(data))
    except UnicodeDecodeError as error:
        named = in_named_encoding(data, path)
        if named is not None:
            return named
        raise DataError(
            f"{what} cannot be read: the bytes are not text in UTF-8 or UTF-16",
            received=f"{data[error.start : error.start + 4]!r} at byte {error.start}",
            where=path,
            fix=f"set {ENCODING}=gb18030 in the environment (big5, shift_jis, cp1252...), or write "
            f"it in UTF-8: iconv -f GB18030 -t UTF-8 {path} > utf8",
        ) from error
    return text[1:] if text.startswith("\ufeff") else text


def in_named_encoding(data: bytes, path: object) -> str | None:
    """Text in the encoding that the environment names; None if it names none.

    Raises:
        ConfigError: there is no such encoding.
        DataError: the bytes are not in it.
    """
    name = os.environ.get(ENCODING)
    if name is None:
        return None
    try:
        return data.decode(name)
    except LookupError as error:
        raise ConfigError(
            "There is no such encoding of texts",
            expected="gb18030, big5, shift_jis, cp1252 or another one of Python's",
            received=repr(name),
            where=f"the environment variable {ENCODING}",
        ) from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"The text is neither in UTF-8 nor in {name}",
            received=f"{data[error.start : error.start + 4]!r} at byte {error.start}",
            where=path,
            fix=f"change {ENCODING}",
        ) from error
