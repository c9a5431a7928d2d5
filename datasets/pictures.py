"""Picture files of a folder."""

from __future__ import annotations

import os
from pathlib import Path

from densefit.errors import DataError

EXTENSIONS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff")


def is_picture(name: str) -> bool:
    """Whether a file name has the extension of a picture, in small or capital letters."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in EXTENSIONS


def pictures_by_stem(folder: Path) -> dict[str, list[str]]:
    """File names of all pictures in a folder (not below it), by their name without extension.

    Raises:
        DataError: the folder cannot be read.
    """
    try:
        names = sorted(os.listdir(folder))
    except OSError as error:
        raise DataError(f"The folder cannot be read: {error.strerror}", where=folder) from error
    found: dict[str, list[str]] = {}
    for name in names:
        if is_picture(name):
            found.setdefault(os.path.splitext(name)[0], []).append(name)
    return found
