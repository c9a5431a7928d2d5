"""Images of a split of a YOLO dataset, by its description or by its folders."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path

from densefit.datasets.files.layout_error import missing_layout
from densefit.datasets.files.missing_files import files_in
from densefit.datasets.files.names import missing_split, read_lines
from densefit.datasets.files.paths import Name, names_below
from densefit.datasets.files.pictures import pictures_below
from densefit.datasets.files.split_names import WITHOUT_SPLITS, split_names
from densefit.errors import DataError, MissingSplitError
from densefit.once import warn_once

from .description import Description

logger = logging.getLogger(__name__)

TREE = """
    data.yaml                 names: [cat, dog], train: images/{split}
    images/{split}/a.jpg      or {split}/images/a.jpg
    labels/{split}/a.txt      or {split}/labels/a.txt: 0 0.5 0.5 0.2 0.1 an object a line
"""


def split_images(
    root: Path, split: str | None, description: Description, image_folder: str
) -> list[Name]:
    """Paths of a split's images below the root, or the error of a path.

    Args:
        root: folder of the dataset.
        split: its name, in any of the usual spellings (val, valid, validation); None: all images.
        description: names folders and lists of the splits, or nothing.
        image_folder: name of the folders of images.

    Raises:
        DataError: there is no such split, or its folder or list is missing.
    """
    if split is None:
        folder = image_folder if (root / image_folder).is_dir() else ""
        return _in_folder(root, folder)
    spellings = split_names(split)
    for name in spellings:
        if name in description.splits:
            entries = description.splits[name]
            general = (image_folder, "images", "data")
            paths = [_below(root, entry, description, general) for entry in entries]
            return [image for path in paths for image in _in_path(root, path)]
    if not description.splits:
        for name in spellings:
            if (root / f"{name}.txt").is_file():
                return _listed(root, root / f"{name}.txt")
            for folder in (f"{image_folder}/{name}", f"{name}/{image_folder}", name):
                if (root / folder).is_dir():
                    return _in_folder(root, folder)
    known_splits = list(description.splits) or _folders(root, image_folder)
    if not known_splits and isinstance(split, str):
        raise missing_layout(
            root,
            TREE.format(split=split),
            f"There is no split {split!r}",
            layout="yolo",
            fix=WITHOUT_SPLITS,
            kind=MissingSplitError,
        )
    similar = get_close_matches(str(split), set(description.keys) - set(known_splits), n=1)
    if similar:
        raise MissingSplitError(
            f"There is no split {split!r}",
            expected=f"a key {split!r}",
            received=f"{similar[0]!r}",
            where=description.source,
            fix=f"correct the key {similar[0]!r}",
        )
    raise missing_split(split, root, known_splits)


def label_file(image: str, image_folder: str, label_folder: str) -> str:
    """Path of an image's label file: the last folder of images becomes the folder of labels.

    >>> label_file("images/train/a.b.jpg", "images", "labels")
    'labels/train/a.b.txt'
    """
    parts = image.split("/")
    for index in range(len(parts) - 2, -1, -1):
        if parts[index] == image_folder:
            parts[index] = label_folder
            break
    return os.path.splitext("/".join(parts))[0] + ".txt"


def find_label_files(
    root: Path, images: Sequence[Name], image_folder: str, label_folder: str
) -> list[str | None]:
    """Paths of images' label files below the root; None where there is none."""
    names: dict[str, frozenset[str]] = {}

    def exists(file: str) -> bool:
        folder, name = os.path.split(file)
        if folder not in names:
            names[folder] = files_in(root / folder)
        return name in names[folder]

    files: list[str | None] = []
    for image in images:
        if isinstance(image, DataError):
            files.append(None)
            continue
        beside = os.path.splitext(image)[0] + ".txt"
        usual = (label_file(image, image_folder, label_folder), beside)
        candidates = (*usual, *(f"{file[:-4]}.TXT" for file in usual))
        files.append(next((file for file in candidates if exists(file)), None))
    return files


def _in_folder(root: Path, folder: str) -> list[Name]:
    prefix = f"{folder}/" if folder else ""
    return [f"{prefix}{path}" for path in pictures_below(root / folder)]


def _in_path(root: Path, path: str) -> list[Name]:
    """Images of a folder, or of a list of paths."""
    if (root / path).is_dir():
        return _in_folder(root, path)
    return _listed(root, root / path)


def _below(root: Path, entry: str, description: Description, general: Collection[str]) -> str:
    """A folder or list as a path below the root, where `data.yaml` may have been elsewhere.

    Roboflow writes ../train/images for train/images, other tools write absolute paths, or paths
    from the folder above: first parts are left out until something is there. A name in `general`
    would be that of all splits' images, and is not enough.
    """
    folder, parts = (
        [part for part in text.replace("\\", "/").split("/") if part not in ("", ".")]
        for text in (description.folder, entry)
    )
    for first in (folder, []):
        for start in range(len(parts)):
            rest = (first if start == 0 else []) + parts[start:]
            if ".." in rest or (start == len(parts) - 1 > 0 and parts[-1] in general):
                continue
            path = "/".join(rest)
            if _exists(root / path):
                if start and parts[:start] != [".."] * start:
                    warn_once(
                        logger, "%s: %r is read from %s", description.source, entry, root / path
                    )
                return path
    raise DataError(
        "A folder or list of images is not there",
        expected=f"{root / entry}, or its last folders below {root}",
        received=entry,
        where=description.source,
        fix="write the path from the folder of the dataset on",
    )


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def _listed(root: Path, path: Path) -> list[Name]:
    """Images of a list; those that are listed repeatedly come once."""
    lines = [line[2:] if line.startswith("./") else line for line in read_lines(path)]
    unique = list(dict.fromkeys(lines))
    if len(unique) < len(lines):
        warn_once(logger, "%s: %d images are listed repeatedly", path, len(lines) - len(unique))
    below = os.path.relpath(path.parent, root)
    if below != "." and not os.path.isabs(unique[0]) and _exists(path.parent / unique[0]):
        unique = [f"{below}/{line}" for line in unique]
    return names_below(unique, root, path)


def _folders(root: Path, image_folder: str) -> list[str]:
    """Splits that folders have."""
    names: Mapping[str, None] = dict.fromkeys(
        name
        for split in ("train", "val", "test")
        for name in split_names(split)
        for folder in (f"{image_folder}/{name}", f"{name}/{image_folder}", name)
        if (root / folder).is_dir()
    )
    return list(names)
