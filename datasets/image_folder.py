"""Pictures in one folder a class."""

from __future__ import annotations

import logging
import os
from itertools import islice
from pathlib import Path

import numpy as np

from densefit.data.io.image import read_image
from densefit.data.repr_args import unusual
from densefit.data.sample import Sample, datasets
from densefit.datasets.files.layout_error import missing_layout
from densefit.datasets.files.names import Names, class_index, class_names, missing_split
from densefit.datasets.files.pictures import SPLITS, folders_in, is_picture, pictures_below
from densefit.datasets.objects.text_column import TextColumn
from densefit.errors import ConfigError, DataError, MissingSplitError
from densefit.once import warn_once

logger = logging.getLogger(__name__)

TREE = """
    {below}cat/a.jpg   a folder a class
    {below}dog/b.jpg
"""
#: Folders that hold something else than the pictures of a class.
_NO_CLASSES = SPLITS | {"images", "annotations", "labels", "masks", "jpegimages", "rgb", "depth"}


@datasets.register("image_folder")
class ImageFolder:
    """Classification: `<root>/<class>/<picture>`, or `<root>/<split>/<class>/<picture>`.

    Pictures in folders below a class's folder belong to the class. Of classes without a picture,
    and of files that are not read, a warning tells.

    Args:
        root: the folder.
        split: folder below `root`; None if there are no splits.
        classes: class names, a list or a file with one a line. None: `<root>/classes.txt`, or, if
            there is none, the sorted names of the class folders, those of all splits together: a
            class that one split lacks must not shift the others' indices.
        exif: turn pictures as their EXIF orientation says.
        least_side: decode large JPEGs at a half, a quarter or an eighth of their size, as long as
            the shorter side keeps so many pixels: faster, where the transforms make the pictures
            small anyway. Twice the side of the input is a good number. A picture so made counts
            as the original one. Pixels change a little; None decodes all of them.

    Raises:
        ConfigError: `least_side` is no number of pixels.
        DataError: no such folder, no pictures, a folder of no class; when read: broken files.
    """

    def __init__(
        self,
        root: str | Path,
        split: str | None = None,
        classes: Names = None,
        exif: bool = True,
        least_side: int | None = None,
    ) -> None:
        self._unusual = unusual(ImageFolder, locals(), ("root", "split"))
        if least_side is not None and least_side < 1:
            raise ConfigError(
                "Pictures must keep some pixels",
                expected="least_side of at least 1, or None",
                received=least_side,
                where="ImageFolder",
            )
        self.root, self.split, self.exif, self.least_side = Path(root), split, exif, least_side
        base = self.root if split is None else self.root / split
        if not base.is_dir():
            if split is not None:
                hint = f"put the folders of the classes into {base}"
                splits_present = [name for name in folders_in(self.root) if name in SPLITS]
                if isinstance(split, str) and not splits_present:
                    raise self._missing_layout(f"There is no folder {split!r}", hint)
                raise missing_split(split, self.root, folders_in(self.root), hint)
            raise DataError("There is no such folder", where=base)
        self.classes = class_names(classes, self.root) or self._found_classes()
        names: list[str] = []
        labels: list[int] = []
        folders = folders_in(base)
        for folder in folders:
            label = class_index(folder, self.classes, base / folder)
            names += [f"{folder}/{path}" for path in pictures_below(base / folder)]
            labels += [label] * (len(names) - len(labels))
        self._names, self._labels = TextColumn.of(names), np.array(labels, np.int64)
        if not names:
            raise self._missing_layout("There are no pictures in folders of classes")
        self._tell_left_out(base, folders)
        self._base = base

    def _missing_layout(self, what: str, fix: str | None = None) -> DataError:
        tree = TREE.format(below="" if self.split is None else f"{self.split}/")
        kind = DataError if self.split is None else MissingSplitError
        return missing_layout(self.root, tree, what, layout="image_folder", fix=fix, kind=kind)

    @classmethod
    def looks_like(cls, root: Path) -> bool:
        """Whether a folder looks like this layout."""
        names = folders_in(root)
        if any(name.lower().startswith(("label", "mask", "annot")) for name in names):
            return False  # images and their masks
        splits = [root / name for name in names if name in SPLITS]
        return (bool(splits) and _are_classes(splits[0])) or _are_classes(root)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"ImageFolder({str(self.root)!r}, split={self.split!r}{self._unusual})"

    def id_of(self, index: int) -> str:
        """Class folder and file name."""
        return self._names[index]

    def picture_file(self, index: int) -> Path:
        """The file of the picture."""
        return self._base / self._names[index]

    def targets_of(self, index: int) -> tuple[str, ...]:
        """Names of a sample's targets."""
        return ("label",)

    def annotations_of(
        self, index: int, size: tuple[int, int] | None = None
    ) -> dict[str, np.ndarray]:
        """The class of the image, without reading it."""
        return {"label": np.array(self._labels[index], np.int64)}

    def __getitem__(self, index: int) -> Sample:
        name, label = self._names[index], self._labels[index]
        image = read_image(self.picture_file(index), self.exif, self.least_side)
        return Sample(name, image, {"label": np.array(label, np.int64)})

    def _found_classes(self) -> list[str]:
        if self.split is not None:
            splits = (self.root / split for split in folders_in(self.root))
            names = {name for split in splits for name in folders_in(split)}
        else:
            names = set(folders_in(self.root))
            splits_found = sorted(names & SPLITS)
            if splits_found and not any(_has_picture(self.root / name) for name in splits_found):
                raise DataError(
                    "The folders look like splits, not like classes",
                    expected="<class>/<picture>",
                    received=", ".join(splits_found),
                    where=self.root,
                    fix=f"split={splits_found[0]!r}, or, if they are classes, name them: classes=",
                )
        if not names:
            raise self._missing_layout("There are no class folders")
        return sorted(names)

    def _tell_left_out(self, base: Path, folders: list[str]) -> None:
        """Warn of classes without a picture, and of pictures without a class."""
        labels = set(self._labels.tolist())
        empty = [name for label, name in enumerate(self.classes) if label not in labels]
        if empty:
            warn_once(
                logger,
                "%s: %d of %d classes have no picture: %s",
                *(base, len(empty), len(self.classes), ", ".join(empty[:10])),
            )
        stray = pictures_below(base, [base / folder for folder in folders])
        if stray:
            warn_once(
                logger,
                "%s: %d pictures lie in no class's folder and are left out, the first: %s",
                *(base, len(stray), stray[0]),
            )


def _has_picture(folder: Path) -> bool:
    """Whether a picture lies in a folder itself."""
    return bool(pictures_below(folder, [folder / name for name in folders_in(folder)]))


def _are_classes(folder: Path) -> bool:
    """Whether the folders in a folder look like classes: each has pictures, some names aside."""
    names = folders_in(folder)
    if len(names) < 2 or any(name.lower() in _NO_CLASSES for name in names):
        return False
    first = [folder / name for name in names[:20]]
    return not any(f"{name}annot" in names for name in names) and all(map(_has_picture_file, first))


def _has_picture_file(folder: Path) -> bool:
    with os.scandir(folder) as entries:
        return any(is_picture(entry.name) for entry in islice(entries, 20))
