"""Files that an annotation file names: they lie below the folder that the user names.

A name may come from anybody: `../../etc/passwd`, `/dev/zero`. So a name is a path below the folder
or an error, and what is there must be a regular file. Links in the folder are the user's own, and
are followed.
"""

from __future__ import annotations

import logging
import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path

from densefit.data.io.regular_file import check_regular
from densefit.errors import DataError
from densefit.once import warn_once

logger = logging.getLogger(__name__)

#: A path below a folder, or what is wrong with it.
Name = str | DataError
_TRIED = 8  # names that tell how a file's names lie to the folder
_TRIED_OF_FEW = 500  # where none of the first ones is there
_DEEPEST = 64  # parts of a path
_LONGEST = 4096  # letters of a path
_DRIVE = re.compile(r"[A-Za-z]:")


def name_below(name: object, where: object, folder: Path | None = None) -> str:
    """A name as a path below any folder, if it is one by its letters.

    >>> name_below("train/a.jpg", "f.json")
    'train/a.jpg'

    Args:
        name: as an annotation file has it.
        where: for errors.
        folder: absolute paths below it are taken, too.

    Raises:
        DataError: no text, an absolute path, one that leaves the folder, or no path at all.
    """
    if _is_plain(name):
        return str(name)
    if not _is_path(name):
        raise DataError(
            "A file is named by something that is no path",
            expected="the path of a file below the folder",
            received=f"{name!r:.120}",
            where=where,
        )
    text = str(name)
    inside = "" if folder is None else os.path.join(os.path.abspath(folder), "")
    if inside and text.startswith(inside):
        text = text[len(inside) :]
    parts, is_absolute = _parts(text)
    if is_absolute or ".." in parts or not parts:
        raise DataError(
            "A path leads out of the folder that holds the files",
            expected="a path below the folder, neither absolute nor with '..'",
            received=f"{name!r:.200}",
            where=where,
            fix="write the path from the folder on; a link that you make in the folder may "
            "lead elsewhere",
        )
    return text


def names_below(names: Sequence[object], folder: Path, source: Path) -> list[Name]:
    r"""Names out of one file as paths below a folder, all by one rule.

    If none of some names is there, their first parts are left out where that finds files:
    `images/a.jpg` in the folder `images`, `/home/somebody/images/a.jpg`, `..\images\a.jpg`. It is
    done for all names or none, only one count of parts may find files, and no two names may become
    the same. So is a slash before all names, `/images/a.jpg`, as lists of depth maps have it.

    Args:
        names: as the file has them.
        folder: that the user named.
        source: the file, for errors.

    Returns:
        For each name a path below the folder, whose file may be missing, or the error.
    """
    if all(map(_is_plain, names)):
        results: list[Name] = [str(name) for name in names]
    else:
        results = [
            _read(name, folder, f"{source}, file name {i}") for i, name in enumerate(names, 1)
        ]
    step = max(1, len(names) // _TRIED)
    if any(isinstance(name, str) and _is_there(folder / name) for name in results[::step]):
        return results
    split = [_parts(str(name))[0] if _is_path(name) else [] for name in names]
    count = _parts_to_leave_out(split[::step], folder)
    if count is None:  # a folder may have few of many files
        step = max(1, len(names) // _TRIED_OF_FEW)
        count = _parts_to_leave_out(split[::step], folder)
    if count is None:
        return results
    shorter = [parts[count:] for parts in split]
    pairs = [(tuple(parts), tuple(rest)) for parts, rest in zip(split, shorter) if rest]
    if len({rest for _, rest in pairs}) < len({parts for parts, _ in pairs}):
        return results
    example = next(number for number, rest in enumerate(shorter) if rest)
    warn_once(
        logger,
        "%s: the first %s of the file names are left out, so that they are found: %r is %s",
        source,
        f"{count} parts" if count else "slashes",
        names[example],
        folder.joinpath(*shorter[example]),
    )
    return [
        "/".join(rest) if rest and ".." not in rest else name
        for name, rest in zip(results, shorter)
    ]


def check_file(path: Path, where: object, what: str = "picture") -> Path:
    """The path, if a regular file is there, or a link to one.

    Args:
        path: of the file.
        where: it is named, for errors.
        what: it is.

    Raises:
        DataError: it is missing, or anything else: a pipe would be waited for without end.
    """
    try:
        check_regular(path, f"The {what}")
    except DataError as error:
        beside = path.parent.parent / path.name
        raise DataError(
            error.what,
            expected=error.expected,
            received=error.received,
            where=f"{path}, named in {where}",
            fix=f"{beside} is there: is that the folder?" if _is_there(beside) else error.fix,
        ) from None
    return path


def _parts(name: str) -> tuple[list[str], bool]:
    """The parts of a path with slashes of either kind, and whether it is absolute."""
    name = name.replace("\\", "/")
    drive = _DRIVE.match(name)
    is_absolute = name.startswith("/") or bool(drive and name[2:3] in ("", "/"))
    parts = [part for part in name.split("/") if part not in ("", ".")]
    return (parts[1:] if drive and is_absolute else parts), is_absolute


def _read(name: object, folder: Path, where: str) -> Name:
    r"""`name_below`, with its error; `a\b.jpg` is `a/b.jpg` unless a file is called so."""
    try:
        text = name_below(name, where, folder)
    except DataError as error:
        return error
    return text if "\\" not in text or _is_there(folder / text) else "/".join(_parts(text)[0])


def _parts_to_leave_out(split: Sequence[list[str]], folder: Path) -> int | None:
    """How many first parts of the names must go, so that files are there; None if unclear.

    0: names begin with a slash, and mean the folder by it.
    """
    fitting = []
    for count in range(min(max(map(len, split), default=0), _DEEPEST)):
        rests = [parts[count:] for parts in split if len(parts) > count]
        if any(".." not in rest and _is_there(folder.joinpath(*rest)) for rest in rests):
            fitting.append(count)
    return fitting[0] if len(fitting) == 1 else None


def _is_there(path: Path) -> bool:
    try:
        return stat.S_ISREG(os.stat(path).st_mode)
    except (OSError, ValueError):
        return False


def _is_plain(name: object) -> bool:
    """Whether a name is a path below any folder, and has nothing that must be looked at."""
    return (
        type(name) is str
        and name != ""
        and name[0] != "/"
        and "\\" not in name
        and ".." not in name
        and "\0" not in name
        and name.isascii()
        and len(name) <= _LONGEST
    )


def _is_path(name: object) -> bool:
    """Whether a file may be called so: JSON can write halves of characters, and zero bytes."""
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST or "\0" in name:
        return False
    try:
        os.fsencode(name)
    except UnicodeEncodeError:
        return False
    return True
