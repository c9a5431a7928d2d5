"""Lists in text files: class names and splits."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Union

from densefit.errors import DataError
from densefit.registry import nearest

Names = Union[Sequence[str], str, Path, None]


def read_lines(path: Path) -> list[str]:
    """The lines of a text file without blanks around them and without empty ones.

    Raises:
        DataError: the file cannot be read, is no UTF-8 text or is empty.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"The list cannot be read: {error}", where=path) from error
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise DataError("The list is empty", where=path)
    return lines


def class_names(classes: Names, root: Path) -> list[str] | None:
    """Class names as given: a list, a file with one a line, or None for `root`/classes.txt.

    Returns:
        The names, None if nothing was given and there is no such file.

    Raises:
        DataError: no name, an empty one or one twice.
    """
    where: object = "classes"
    if classes is None:
        if not (root / "classes.txt").is_file():
            return None
        classes = root / "classes.txt"
    if isinstance(classes, (str, Path)):
        where = classes
        names = read_lines(Path(classes))
    else:
        names = list(classes)
    doubles = sorted({name for name in names if names.count(name) > 1})
    if not names or doubles or not all(names):
        raise DataError(
            "Class names must be one or more different names",
            received=f"twice: {', '.join(doubles)}" if doubles else repr(names),
            where=where,
        )
    return names


def class_index(name: str, classes: Sequence[str], where: object) -> int:
    """The index of a class. Raises DataError with the nearest name if unknown."""
    try:
        return classes.index(name)
    except ValueError:
        raise DataError(
            f"Unknown class {name!r}", where=where, fix=nearest(name, classes)
        ) from None


def missing_split(split: str, folder: Path, known: Sequence[str]) -> DataError:
    """The error for a split that is not there."""
    return DataError(f"There is no split {split!r}", where=folder, fix=nearest(split, known))
