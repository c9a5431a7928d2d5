"""Settings that are lists of files: relative to the recipe that names them, a flag for each."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from densefit.errors import ConfigError
from densefit.yaml_files.document import Document, load

#: Metadata of a dataclass field of strings that are files: `field(metadata=FILES)`.
FILES = {"files": True}


def files_field() -> Any:
    """Make a dataclass field for a list of files, empty by default."""
    return dataclasses.field(default_factory=list, metadata=FILES)


def resolve_files(recipe: Document, kind: type) -> None:
    """Make relative files in a recipe relative to the recipe's folder, in place."""
    folder = "" if recipe.name is None else Path(str(recipe.name)).parent
    for name in _settings_of_files(kind):
        paths = recipe.value.get(name)
        if isinstance(paths, list):
            recipe.value[name] = [
                os.path.normpath(os.path.join(folder, os.path.expanduser(path)))
                if isinstance(path, str)
                else path  # refused with the other settings
                for path in paths
            ]


def join_flags(arguments: Sequence[str], kind: type) -> list[str]:
    """Join the flags of a list of files: `--plugins a.py --plugins b.py` is a list of two.

    A flag's value is a file, or a list as in a recipe, `[a.py, b.py]`.
    """
    words = list(arguments)
    for name in _settings_of_files(kind):
        flag, last = f"--{name}", None
        values: list[Any] = []
        rest: list[str] = []
        remaining = iter(words)
        for word in remaining:
            option, equals, value = word.partition("=")
            if option != flag:
                rest.append(word)
                continue
            if not equals:
                value = next(remaining, "")
            if not value or value.startswith("--"):
                raise ConfigError(f"{flag} names no file", fix=f"{flag} FILE")
            values += load(value) if value.startswith("[") else [value]
            last = len(rest)
        if last is not None:  # where the last flag was: later settings win
            rest[last:last] = [flag, json.dumps(values, ensure_ascii=False)]
        words = rest
    return words


def _settings_of_files(kind: type) -> list[str]:
    return [field.name for field in dataclasses.fields(kind) if field.metadata.get("files")]
