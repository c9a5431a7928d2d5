"""The folders of a command line, `--data DIR`, and the names of their datasets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from densefit.errors import ConfigError


def split_folders(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Separate the folders of `--data` from the other words.

    >>> split_folders(["--data", "cells", "--lr", "0.1", "--data=streets"])
    (['cells', 'streets'], ['--lr', '0.1'])

    Raises:
        ConfigError: `--data` names no folder.
    """
    folders: list[str] = []
    remaining: list[str] = []
    rest = iter(words)
    for word in rest:
        option, equals, value = word.partition("=")
        if option != "--data":
            remaining.append(word)
            continue
        value = value if equals else next(rest, "")
        if not value or value.startswith("--"):
            raise ConfigError("--data names no folder", fix="--data DIR")
        folders.append(value)
    return folders, remaining


def dataset_names(folders: Sequence[str]) -> dict[str, str]:
    """Name of a dataset -> its folder; names are those of the folders, as letters and digits.

    >>> dataset_names(["a/cells", "b/My streets", "c/cells"])
    {'cells': 'a/cells', 'My_streets': 'b/My streets', 'cells_2': 'c/cells'}
    """
    names: dict[str, str] = {}
    for folder in folders:
        name = stem = re.sub(r"\W+", "_", Path(folder).resolve().name) or "data"
        count = 1
        while name in names:
            count += 1
            name = f"{stem}_{count}"
        names[name] = folder
    return names
