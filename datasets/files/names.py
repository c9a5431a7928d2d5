"""Lists in text files: class names and splits."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from densefit.errors import ConfigError, DataError, MissingSplitError
from densefit.registry import nearest

from .text_file import read_text

T = TypeVar("T")
Names = Sequence[str] | str | Path | None


def read_lines(path: Path) -> list[str]:
    """The lines of a text file without blanks around them and without empty ones.

    Raises:
        DataError: the file cannot be read, is no text (see `decoded`) or is empty.
    """
    text = read_text(path, "The list")
    if "\0" in text:
        raise DataError(
            "The list is no text", received=f"a zero byte at {text.index(chr(0))}", where=path
        )
    lines = [line.strip() for line in io.StringIO(text, newline=None) if line.strip()]
    if not lines:
        raise DataError("The list is empty", where=path)
    return lines


def class_names(classes: Names, root: Path, *, numbered: bool = False) -> list[str] | None:
    """Class names as given: a list, a file with one a line, or None for `root`/classes.txt.

    A file may also be Roboflow's _classes.csv, with a value and a name a line.

    Args:
        classes: names, a file, or None.
        root: folder of classes.txt.
        numbered: annotations have the number of a name and not the name, so that an empty line
            before a name is an error: tools count it, or do not.

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
        names = _without_values(read_lines(Path(classes)), Path(classes))
        if numbered:
            check_numbering(read_text(Path(classes), "The list"), classes)
    else:
        names = list(classes)
    doubles = doubled(names)
    if not names or doubles or not all(names):
        raise DataError(
            "Class names must be one or more different names",
            received=f"twice: {', '.join(map(str, doubles[:10]))}"
            if doubles
            else f"{names!r:.200}",
            where=where,
        )
    return names


def check_numbering(text: str, where: object) -> None:
    """Raise DataError if an empty line is before a name: the numbers of the names are unclear.

    >>> check_numbering("cat\\ndog\\n\\n", "classes.txt")
    """
    lines = text.rstrip().splitlines()
    empty = next((number for number, line in enumerate(lines, 1) if not line.strip()), None)
    if empty is not None:
        name = next(line.strip() for line in lines[empty:] if line.strip())
        raise DataError(
            "An empty line in a list of classes leaves the numbers of the next ones unclear",
            expected="a name a line, the first one of number 0",
            received=f"an empty line before {name!r:.60}",
            where=f"{where}, line {empty}",
            fix=f"remove the line if {name!r:.60} is the class {empty - 1}; write any other name "
            f"into it if it is the class {empty}",
        )


def _without_values(lines: list[str], path: Path) -> list[str]:
    """The names of Roboflow's _classes.csv, `0, background` below a header; others unchanged.

    Raises:
        DataError: its values do not count from 0.
    """
    if "".join(lines[0].split()).lower() != "pixelvalue,class":
        return lines
    names = []
    for number, line in enumerate(lines[1:]):
        value, _, name = line.partition(",")
        if value.strip() != str(number) or not name.strip():
            raise DataError(
                "The classes of a table do not count from 0",
                expected=f"{number}, and a name",
                received=f"{line!r:.100}",
                where=f"{path}, entry {number + 2}",
                fix="name the classes in the recipe, classes=[...], and map values={...}",
            )
        names.append(name.strip().strip('"'))
    return names


def doubled(names: Iterable[T]) -> list[T]:
    """What comes more than once, in order."""
    return [name for name, times in Counter(names).items() if times > 1]


def class_index(name: str, classes: Sequence[str], where: object) -> int:
    """The index of a class. Raises DataError with the nearest name if unknown."""
    try:
        return classes.index(name)
    except ValueError:
        raise DataError(
            f"Unknown class {name!r}", where=where, fix=nearest(name, classes)
        ) from None


def missing_split(
    split: object, folder: Path, names: Sequence[str], hint: str | None = None
) -> DataError:
    """The error for a split that is not there.

    Args:
        split: that was asked for.
        folder: that should have it.
        names: splits that are there.
        hint: what to do where there is none.

    Raises:
        ConfigError: the split has no name.
    """
    if not isinstance(split, str):
        raise ConfigError(
            "A split is named by a text",
            expected=f"one of {sorted(names)[:10]}" if names else "a text",
            received=repr(split),
            where=folder,
        )
    fix = nearest(split, names) if names else hint
    return MissingSplitError(f"There is no split {split!r}", where=folder, fix=fix)
