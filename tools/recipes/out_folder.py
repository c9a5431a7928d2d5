"""The output folder of a tool, made before the work begins."""

from __future__ import annotations

import os
from pathlib import Path

from densefit.errors import ConfigError


def make_folder(out: str | Path) -> Path:
    """Make the folder if it is missing.

    Raises:
        ConfigError: the folder cannot be made or is not writable.
    """
    path = Path(out)
    try:
        path.mkdir(parents=True, exist_ok=True)
        if not os.access(path, os.W_OK | os.X_OK):
            raise PermissionError(13, "Permission denied", str(path))
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        is_file = isinstance(error, FileExistsError)
        reason = "it is a file" if is_file else getattr(error, "strerror", None) or error
        raise ConfigError(
            f"The results cannot be written: {reason}", where=out, fix="--out another folder"
        ) from error
    return path
