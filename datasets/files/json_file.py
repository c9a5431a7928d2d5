"""Annotations in JSON, whoever wrote them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from densefit.errors import DataError

from .text_file import read_text


def read_json(path: Path, what: str = "annotations") -> Any:
    """The content of a JSON file, in UTF-8 or UTF-16, with or without a byte order mark.

    Args:
        path: the file.
        what: it should hold, in the plural, to be named in errors.

    Raises:
        DataError: the file cannot be read, or is not JSON.
    """
    text = read_text(path, f"The {what}")
    try:
        return json.loads(text)
    except RecursionError as error:
        raise DataError(
            f"The {what} are not valid JSON: lists or objects lie too deep in each other",
            where=path,
        ) from error
    except MemoryError as error:
        raise DataError(f"The {what} need more memory than there is", where=path) from error
    except ValueError as error:
        raise DataError(f"The {what} are not valid JSON: {error}", where=path) from error
