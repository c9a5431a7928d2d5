"""Images and their annotation files, a file an image, matched by their paths."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from .pictures import SPLITS, folders_in, is_picture

_IMAGES = frozenset("images image imgs img jpegimages pictures photos".split())
_ANNOTATIONS = frozenset("annotations annotation annots anns ann labels label xmls xml".split())
#: Names that tools and people give to the folder of a split.
_SPLITS = (
    ("train", "training"),
    ("val", "valid", "validation"),
    ("test", "testing"),
)


def is_part(name: str) -> bool:
    """Whether folders of a name hold a split of a dataset, or one kind of its files."""
    return name.lower() in SPLITS | _IMAGES | _ANNOTATIONS


def sample_key(path: str) -> str:
    """A path without extension, and without the folders that only name a kind of files.

    >>> sample_key("day1/images/a.jpg"), sample_key("day1/Annotations/a.xml")
    ('day1/a', 'day1/a')
    """
    *folders, name = path.split("/")
    other_folders = [part for part in folders if part.lower() not in _IMAGES | _ANNOTATIONS]
    return "/".join([*other_folders, os.path.splitext(name)[0]])


def match_images(images: Iterable[str], annotations: Iterable[str]) -> dict[str, list[str]]:
    """The images that each annotation file may belong to, mostly one.

    A file belongs to the images of its path without extension; if there are none, to those of its
    `sample_key` that no file claims by its path.

    Args:
        images: paths below the folder of the images.
        annotations: paths below the folder of the annotations.
    """
    by_stem: dict[str, list[str]] = {}
    by_key: dict[str, list[str]] = {}
    for path in images:
        by_stem.setdefault(os.path.splitext(path)[0], []).append(path)
    matches = {path: by_stem.pop(os.path.splitext(path)[0], []) for path in annotations}
    for paths in by_stem.values():
        for path in paths:
            by_key.setdefault(sample_key(path), []).append(path)
    return {path: paths or by_key.get(sample_key(path), []) for path, paths in matches.items()}


def find_folders(base: Path, ending: str) -> tuple[Path, Path]:
    """The folders of the images and of their annotations; `base` for files that lie together.

    A folder below `base` is taken if it is the only one with files of one kind and none of the
    other; of several, the one with a usual name ("images", "annotations").

    Args:
        base: folder that is searched.
        ending: of the annotation files, ".xml".

    Raises:
        DataError: a folder cannot be read.
    """

    def is_annotation(name: str) -> bool:
        return name.lower().endswith(ending) and not name.startswith(".")

    folders = [base / name for name in folders_in(base)]
    with_images = {path for path in folders if _has(path, is_picture)}
    with_annotations = {path for path in folders if _has(path, is_annotation)}
    names = os.listdir(base)
    images = annotations = base
    if not any(map(is_picture, names)):
        images = _only(with_images - with_annotations, _IMAGES) or base
    if not any(map(is_annotation, names)):
        annotations = _only(with_annotations - with_images, _ANNOTATIONS) or base
    return images, annotations


def split_folder(folder: Path, split: str, endings: tuple[str, ...] = ("",)) -> Path | None:
    """The folder of a split; "val" is also called "valid" or "validation", and so on.

    Args:
        folder: that it is in.
        split: its name.
        endings: a folder without files of these extensions is left out: `training/` may hold the
            settings of a training.
    """
    names = next((names for names in _SPLITS if split in names), (split,))

    def is_file(name: str) -> bool:
        return name.lower().endswith(endings)

    for name in (split, *names):
        if name not in ("", ".", "..") and _has(folder / name, is_file):
            return folder / name
    return None


def _has(folder: Path, wanted_file: Callable[[str], bool]) -> bool:
    """Whether a folder, or one below it, has such a file."""
    return any(wanted_file(name) for _, _, names in os.walk(folder) for name in names)


def _only(folders: set[Path], usual: frozenset[str]) -> Path | None:
    """The only folder, or the only one with a usual name."""
    if len(folders) > 1:
        folders = {path for path in folders if path.name.lower() in usual}
    return next(iter(folders)) if len(folders) == 1 else None
