"""Picture files of a folder and of all folders below it."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from densefit.errors import ConfigError, DataError
from densefit.once import warn_once

logger = logging.getLogger(__name__)

EXTENSIONS = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".webp", ".tif", ".tiff", ".gif"),
    *(".ppm", ".pgm", ".pbm", ".pnm"),
)
#: Folders that people call so hold a split, not a class.
SPLITS = frozenset(
    ("train", "training", "trainval", "val", "valid", "validation", "test", "testing")
)
#: What lies beside pictures and is none; of other files it is told that they are left out.
_BESIDE = (
    *(".txt", ".md", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".html"),
    *(".htm", ".log", ".db", ".ini", ".py", ".ipynb", ".sh", ".cache", ".npy"),
)
#: Folders that systems leave; copies of pictures or their fragments lie in them.
_LEFT_BEHIND = frozenset(
    ("__macosx", "__pycache__", "@eadir", "$recycle.bin", "system volume information", "lost+found")
)
_DEEPEST = 64  # folders


def is_picture(name: str) -> bool:
    """Whether a file name has the extension of a picture, in small or capital letters."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in EXTENSIONS


def is_left_behind(name: str) -> bool:
    """Whether systems leave a folder of this name."""
    return name.lower() in _LEFT_BEHIND


def pictures_below(folder: Path, but: Collection[Path] = ()) -> list[str]:
    """Paths of all pictures in a folder and below it, relative to it, with slashes, sorted.

    Links are followed, hidden files and folders are not. Files that look like pictures of other
    kinds (HEIC, PSD ...) are left out, with a warning.

    Args:
        folder: that is searched.
        but: folders that are not.

    Raises:
        DataError: a folder cannot be read.
    """
    paths: list[str] = []
    unread: list[str] = []
    skipped = {os.path.abspath(path) for path in but} - {os.path.abspath(folder)}
    for name, path in _files(str(folder), "", frozenset(), skipped):
        if is_picture(name):
            paths.append(path)
        elif os.path.splitext(name)[1].lower() not in _BESIDE:
            unread.append(path)
    if unread:
        warn_once(
            logger,
            "%s: %d files are not read, since their names do not end like those of pictures (%s), "
            "the first: %s",
            *(folder, len(unread), ", ".join(EXTENSIONS), min(unread)),
        )
    return sorted(paths)


def files_below(folder: Path, ending: str) -> list[str]:
    """Paths of all files of one extension in a folder and below it, relative to it, sorted.

    Args:
        folder: that is searched.
        ending: ".json", in small letters; files may have it in capital ones.

    Raises:
        DataError: a folder cannot be read.
    """
    files = _files(str(folder), "", frozenset(), ())
    return sorted(path for name, path in files if name[0] != "." and name.lower().endswith(ending))


def pictures_by_stem(folder: Path, but: Collection[Path] = ()) -> dict[str, list[str]]:
    """Paths of all pictures in a folder and below it, by their path without extension.

    >>> pictures_by_stem(Path("images"))  # doctest: +SKIP
    {'a': ['a.jpg', 'a.png'], 'more/b': ['more/b.jpg']}

    Args:
        folder: that is searched.
        but: folders that are not.

    Raises:
        DataError: a folder cannot be read.
    """
    paths: dict[str, list[str]] = {}
    for path in pictures_below(folder, but):
        paths.setdefault(os.path.splitext(path)[0], []).append(path)
    return paths


def check_apart(folders: Mapping[str, Path], fix: str) -> None:
    """Raise ConfigError if files of two kinds are looked for in one folder.

    Each picture would be found as its own mask.

    Args:
        folders: kind -> folder.
        fix: how files that lie together are read.
    """
    kinds: dict[str, str] = {}
    for kind, folder in folders.items():
        other = kinds.setdefault(os.path.realpath(folder), kind)
        if other != kind:
            raise ConfigError(
                f"The {other} and the {kind} are looked for in one folder, where each picture "
                "would be taken for both",
                expected="a folder of each",
                where=folder,
                fix=fix,
            )


def folders_in(folder: Path) -> list[str]:
    """Names of the folders in a folder, sorted; hidden ones and those of systems are left out.

    Raises:
        DataError: the folder cannot be read.
    """
    return sorted(entry.name for entry in _entries(str(folder)) if entry.is_dir())


def _files(
    folder: str, below: str, above: frozenset[tuple[int, int]], skipped: Collection[str]
) -> Iterator[tuple[str, str]]:
    """(name, relative path) of the files in a folder and below it; links in circles are cut."""
    entries = _entries(folder)
    state = os.stat(folder)
    above = above | {(state.st_dev, state.st_ino)}
    for entry in entries:
        path = f"{below}{entry.name}"
        if not entry.is_dir():
            yield entry.name, path
        elif len(above) < _DEEPEST and os.path.abspath(entry.path) not in skipped:
            target = entry.stat()
            if (target.st_dev, target.st_ino) not in above:
                yield from _files(entry.path, f"{path}/", above, skipped)


def _entries(folder: str) -> list[os.DirEntry[str]]:
    """What is in a folder, but for hidden things and what systems leave there."""
    try:
        with os.scandir(folder) as entries:
            return [
                entry
                for entry in entries
                if entry.name[0] != "." and not is_left_behind(entry.name)
            ]
    except OSError as error:
        raise DataError(f"The folder cannot be read: {error.strerror}", where=folder) from error
