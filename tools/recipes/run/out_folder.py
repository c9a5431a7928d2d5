"""The output folder of a tool, made before the work begins; numbered where none is named."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from itertools import count
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


def recipe_name(words: Sequence[str], other: str) -> str:
    """Name of the recipe on a command line; `other` without one.

    >>> recipe_name(["--config", "configs/ssd.yaml"], "x"), recipe_name(["--seed", "1"], "x")
    ('ssd', 'x')
    >>> recipe_name(["--config=runs/cells-2/config.yaml"], "x")
    'cells-2'
    """
    recipe = ""
    for word, following in zip(words, [*words[1:], ""]):
        option, equals, value = word.partition("=")
        if option == "--config":
            recipe = value if equals else following
    path = Path(recipe)
    name = path.parent.name if path.stem == "config" else path.stem
    return re.sub(r"[^\w.-]", "-", name) or other


def new_folder(parent: str | Path, name: str) -> Path:
    """Make the first of `name`, `name-2`, `name-3`... that does not exist yet.

    Two programs that begin at once get two folders.

    Raises:
        ConfigError: the folder cannot be made.
    """
    make_folder(parent)
    for number in count(1):
        path = Path(parent) / (name if number == 1 else f"{name}-{number}")
        try:
            path.mkdir()
        except FileExistsError:
            continue
        return path
    raise ConfigError("There is no free name", where=parent)  # never: numbers do not end


def newest_folder(parent: str | Path, name: str) -> Path | None:
    """Return the folder of `name`, `name-2`... with the highest number; None if there is none."""
    pattern = re.compile(rf"{re.escape(name)}(?:-(\d+))?")
    numbered: dict[int, Path] = {}
    for path in Path(parent).glob(f"{name}*"):
        match = pattern.fullmatch(path.name)
        if match and path.is_dir():
            numbered[int(match[1] or 1)] = path
    return numbered[max(numbered)] if numbered else None
