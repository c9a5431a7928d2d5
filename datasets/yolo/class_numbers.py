"""Class numbers of label files and their names."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from densefit.datasets.files.names import Names, check_numbering, class_index, class_names, doubled
from densefit.datasets.files.text_file import read_text
from densefit.errors import DataError
from densefit.registry import nearest


def read_names(path: Path) -> dict[int, str]:
    """Class number -> class name, of a file with a name a line, the first of number 0.

    Raises:
        DataError: the file cannot be read, has no names, one twice, or an empty line before one.
    """
    text = read_text(path, "The list of classes")
    check_numbering(text, path)
    lines = text.splitlines()
    return _checked({i: line.strip() for i, line in enumerate(lines) if line.strip()}, path)


def _checked(names: dict[int, str], path: Path) -> dict[int, str]:
    doubles = doubled(names.values())
    if not names or doubles or any("\0" in name for name in names.values()):
        raise DataError(
            "Class names must be one or more different names",
            received=f"twice: {', '.join(doubles[:10])}" if doubles else f"{names!r:.200}",
            where=path,
        )
    return names


def names_of_yaml(content: Mapping[Any, Any], path: Path) -> tuple[dict[int, str], bool]:
    """Class number -> name, and whether the names are made up from `nc`."""
    names, count = content.get("names"), content.get("nc")
    if names is None and type(count) is int and 0 < count <= 100_000:
        return {number: f"class_{number}" for number in range(count)}, True
    if isinstance(names, list):
        names = dict(enumerate(names))
    numbers = {}
    for key, name in names.items() if isinstance(names, dict) else ():
        text = str(key).strip()
        if not (text.isascii() and text.isdigit()) or isinstance(name, (dict, list, type(None))):
            raise DataError(
                "The class names are neither a list nor a map from numbers to names",
                expected="names: [cat, dog], or names: {0: cat, 1: dog}",
                received=f"{key!r}: {name!r}"[:120],
                where=path,
            )
        numbers[int(text)] = str(name).strip()
    if not numbers:
        keys = [str(key) for key in content]
        raise DataError(
            "The description of the dataset has no class names",
            expected="names: [cat, dog], or names: {0: cat, 1: dog}",
            received=f"keys {', '.join(keys)}"[:200] if names is None else f"{names!r:.120}",
            where=path,
            fix=nearest("names", keys) if names is None and "names" not in keys else None,
        )
    if type(count) is int and count != len(numbers):
        raise DataError(
            "The number of classes is not the number of their names",
            expected=f"nc: {len(numbers)}",
            received=f"nc: {count}",
            where=path,
        )
    return _checked(numbers, path), False


def names_beside(root: Path, label_files: Sequence[str | None]) -> dict[int, str]:
    """Class names of the list that labelImg writes beside the label files."""
    for folder in dict.fromkeys(os.path.dirname(file) for file in label_files if file):
        for name in ("classes.txt", "_darknet.labels"):
            if (root / folder / name).is_file():
                return read_names(root / folder / name)
    return {}


def class_numbers(
    root: Path, classes: Names, numbers: dict[int, str], source: Path | None, placeholders: bool
) -> tuple[list[str], dict[int, str]]:
    """Class names in index order, and class number -> class name.

    Args:
        root: folder of the dataset.
        classes: names that the user gives.
        numbers: class number -> name in the dataset's files; empty if unknown.
        source: file of the names, for errors.
        placeholders: the names are made up.

    Raises:
        DataError: there are no names, or `classes` has others.
    """
    if classes is None:
        if not numbers:
            raise DataError(
                "The class numbers have no names",
                expected="names: in data.yaml, or a file classes.txt with a name a line",
                where=root,
                fix="write one of them, or pass classes=",
            )
        return [numbers[number] for number in sorted(numbers)], numbers
    names = class_names(classes, root, numbered=True) or []
    if not numbers or placeholders:
        if numbers and len(numbers) != len(names):
            raise DataError(
                "There are more or fewer class names than classes",
                expected=f"nc: {len(numbers)}",
                received=f"{len(names)} names",
                where=source,
            )
        return names, dict(enumerate(names))
    for name in names:
        class_index(name, list(numbers.values()), source or root)
    return names, numbers
