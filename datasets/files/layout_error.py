"""The error of a folder that is not in the layout of its dataset."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from textwrap import dedent

from densefit.data.sample import datasets
from densefit.errors import DataError

from .image_pairs import is_part
from .pictures import folders_in

_NAMES = 8  # entries of a folder that a message lists
_FOLDERS = 50  # folders that are looked into
_INDENT = " " * 12


def missing_layout(
    root: str | Path,
    tree: str,
    what: str,
    *,
    layout: str | None = None,
    fix: str | None = None,
    kind: type[DataError] = DataError,
) -> DataError:
    """Make the error of a folder whose files are not where its layout has them.

    The message shows the expected tree, some names of what is in the folder, and the layout that
    the folder looks like, if there is one.

    Args:
        root: the folder.
        tree: expected files, a path below `root` a line, with an example and a remark each.
        what: the error's first line: "There is no list of samples".
        layout: registered name of the layout that was asked for. It is looked for in the folders
            below `root` and above it, too.
        fix: what to do, if the folder looks like no other layout.
        kind: class of the error; `MissingSplitError` if another name of the split might help.
    """
    root = Path(root)
    lines = [line for line in dedent(tree).splitlines() if line.strip()]
    guesses = _guesses(root, layout)
    # Another name of the split helps nothing where the layout is another.
    is_another = bool(guesses) and not (layout is not None and _may_be(layout, root))
    return (DataError if is_another else kind)(
        what,
        expected="".join(f"\n{_INDENT}{line}" for line in lines),
        received=contents(root),
        where=root,
        fix="; or ".join([*guesses, *([fix] if fix else [])]) or None,
    )


def contents(root: Path) -> str:
    """Some names of what is in a folder, folders first, and how many more there are."""
    try:
        with os.scandir(root) as entries:
            names = [
                (not entry.is_dir(), entry.name + "/" * entry.is_dir())
                for entry in entries
                if not entry.name.startswith(".")
            ]
    except OSError as error:
        return f"{error.strerror}: {root}"
    if not names:
        return "an empty folder"
    listed = [name for _, name in sorted(names)]
    more = f" and {len(listed) - _NAMES} more" if len(listed) > _NAMES else ""
    return ", ".join(listed[:_NAMES]) + more


def look_alikes(root: str | Path) -> list[str]:
    """Names of the registered layouts that a folder looks like.

    A layout says so by a class method `looks_like(root) -> bool`, which looks at names of files and
    folders only. Datasets without the method are never guessed.
    """
    return [name for name in datasets.names() if _looks_like(name, Path(root))]


def _guesses(root: Path, layout: str | None) -> list[str]:
    """Fixes: another layout, or the layout in another folder."""
    guesses = []
    names = look_alikes(root)
    similar = [] if layout in names else names
    if similar:
        texts = [f"this looks like {name}: --data.dataset {name}" for name in similar]
        guesses.append(" or ".join(texts))
    if layout is not None:
        folder = next(filter(partial(_looks_like, layout), _other_folders(root, layout)), None)
        if folder is not None:
            guesses.append(f"{folder} looks like {layout}: --data.root {folder}")
    return guesses


def _other_folders(root: Path, layout: str) -> Iterator[Path]:
    """Folders that may have been meant instead of `root`.

    Those below a folder that itself looks like the layout are its parts, and the folder above is
    that of other datasets unless `root` is called as a part is (train, images) or is missing.
    """
    if not _looks_like(layout, root):
        yield from _folders_in(root)
    if is_part(root.absolute().name) or not root.exists():
        yield root.absolute().parent


def _may_be(name: str, root: Path) -> bool:
    """Whether a folder looks like a layout, or the layout has no usual look."""
    return not hasattr(datasets.get(name), "looks_like") or _looks_like(name, root)


def _looks_like(name: str, root: Path) -> bool:
    guess = getattr(datasets.get(name), "looks_like", None)
    try:
        return guess is not None and bool(guess(root))
    except (DataError, OSError, ValueError):
        return False


def _folders_in(root: Path) -> list[Path]:
    try:
        return [root / name for name in folders_in(root)[:_FOLDERS]]
    except DataError:
        return []
