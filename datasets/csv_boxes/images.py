"""Images that a table names, with the objects of their rows."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from densefit.datasets.files.paths import Name, names_below
from densefit.datasets.files.pictures import is_picture, pictures_by_stem
from densefit.datasets.files.split_names import split_names
from densefit.datasets.objects.annotation import ImageAnnotation
from densefit.errors import DataError

from .entry import Entry

_TRIED = 8


def image_files(
    names: Sequence[str], root: Path, table: Path, split: str | None, image_folder: str | None
) -> list[Name]:
    """Paths of images below the root, or the error of a name.

    Args:
        names: as the table has them, all different.
        root: folder of the dataset.
        table: file of the names.
        split: its name, which may be that of a folder.
        image_folder: folder of the images below `root`; None: the first of the root, the table's
            folder, `images`, `<split>` and `images/<split>` that has one of them.
    """
    if names and not any(is_picture(_last(name)) for name in names):
        return _by_stem(names, root, table, image_folder)
    folder = image_folder
    if folder is None:
        folder = next((f for f in _folders(root, table, split) if _has(root / f, names)), "")
    prefix = f"{folder}/" if folder not in ("", ".") else ""
    return [
        name if isinstance(name, DataError) else prefix + name
        for name in names_below(names, root / folder, table)
    ]


def _last(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2]


def _folders(root: Path, table: Path, split: str | None) -> list[str]:
    """Folders below the root in which images usually are."""
    folders = [""]
    if root in table.parents and table.parent != root:
        folders.append(table.parent.relative_to(root).as_posix())
    folders.append("images")
    for name in split_names(split) if split is not None else ():
        folders += [name, f"images/{name}", f"{name}/images"]
    return folders


def _has(folder: Path, names: Sequence[str]) -> bool:
    """Whether one of some names, or its last part, is in a folder."""
    tried = names[:: max(1, len(names) // _TRIED)]
    try:
        return any((folder / name).is_file() for name in tried) or any(
            (folder / _last(name)).is_file() for name in tried
        )
    except (OSError, ValueError):
        return False


def _by_stem(names: Sequence[str], root: Path, table: Path, image_folder: str | None) -> list[Name]:
    """Paths of images that are named without an ending, as Open Images does."""
    folder = root / (image_folder or "")
    files: dict[str, list[str]] = {}
    for stem, paths in pictures_by_stem(folder).items():
        for key in {stem, _last(stem)}:
            files.setdefault(key, []).extend(paths)
    images: list[Name] = []
    for name in names:
        paths = files.get(name, [])
        if len(paths) != 1:
            images.append(
                DataError(
                    f"The table names {name!r:.80}, which is not exactly one image",
                    received=", ".join(paths[:5]) or "none",
                    where=f"{folder}, named in {table}",
                )
            )
        else:
            images.append(f"{image_folder}/{paths[0]}" if image_folder else paths[0])
    return images


def image_annotations(
    rows: Mapping[str, Sequence[Entry]], files: Sequence[Name], table: Path, is_relative: bool
) -> Iterator[ImageAnnotation]:
    """Images with the objects of their rows.

    Args:
        rows: name of an image -> its rows.
        files: path of each image, or why it has none.
        table: the table, for errors.
        is_relative: boxes are parts of the image.
    """
    stems = [os.path.splitext(file)[0] for file in files if isinstance(file, str)]
    has_doubles = len(set(stems)) < len(stems)
    for number, (file, image_rows) in enumerate(zip(files, rows.values()), 1):
        if isinstance(file, DataError):
            name = f"image {number}"
            yield ImageAnnotation(name, name, source=table, error=file)
            continue
        sizes = {row.size for row in image_rows if row.size is not None}
        error = next((row.error for row in image_rows if row.error is not None), None)
        if error is None and len(sizes) > 1:
            error = DataError(
                "Rows of an image state different sizes",
                received=", ".join(map(str, sorted(sizes))),
                where=f"{table}, {file}",
            )
        yield ImageAnnotation(
            file if has_doubles else os.path.splitext(file)[0],
            file,
            [row.object for row in image_rows if row.object is not None],
            table,
            next(iter(sizes), None),
            is_relative,
            error,
        )
