"""Ground truth of a PASCAL VOC folder, with the boxes exactly as in the files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from densefit.datasets.files.boxes import box_fault
from densefit.datasets.files.names import missing_split
from densefit.datasets.files.paths import name_below
from densefit.datasets.voc.split_list import listed_ids
from densefit.datasets.voc.xml import VocFile, read_voc_xml
from densefit.errors import DataError

# Without a split, the first of these that exists is scored.
SPLITS = ("test", "val")


@dataclass(frozen=True)
class VocTruth:
    """Annotations of a PASCAL VOC folder.

    Attributes:
        folder: folder of the annotations.
        split: name of the image list; None for all annotations of the folder.
        files: id -> annotation.
    """

    folder: Path
    split: str | None
    files: dict[str, VocFile]

    def names(self) -> list[str]:
        """Classes of all objects, sorted."""
        return sorted({item.name for file in self.files.values() for item in file.objects})

    def all_names(self) -> list[str]:
        """Classes in all readable annotations of the folder, sorted."""
        names = set(self.names())
        for path in self.folder.glob("*.xml"):
            try:
                file = self.files.get(path.stem) or read_voc_xml(path)
            except DataError:
                continue  # the image is not scored
            names.update(item.name for item in file.objects)
        return sorted(names)

    def target(self, key: str, classes: Sequence[str]) -> dict[str, Any]:
        """Objects of some classes, as the VOC metric takes them, corners as in the file."""
        things = [item for item in self.files[key].objects if item.name in classes]
        return {
            "boxes": np.array([item.corners for item in things], np.float64).reshape(-1, 4),
            "classes": np.array([classes.index(item.name) for item in things], np.int64),
            "difficult": np.array([item.difficult for item in things], bool),
        }


def read_voc(folder: Path, split: str | None = None) -> VocTruth:
    """Read annotations.

    Args:
        folder: folder of a VOC year (with `Annotations` and `ImageSets/Main`), or of XML files.
        split: an image list in `ImageSets/Main`; None for test, else val, else all annotations.

    Raises:
        DataError: there are no annotations, or a list or annotation is missing or broken.
    """
    if not folder.is_dir():
        raise DataError("There is no such folder", where=folder)
    lists = folder / "ImageSets" / "Main"
    annotations = folder / "Annotations"
    if not annotations.is_dir():
        annotations, lists = folder, folder.parent / "ImageSets" / "Main"
        if split is None:
            return VocTruth(annotations, None, _read(annotations, _all(annotations), annotations))
    if split is None:
        split = next((name for name in SPLITS if (lists / f"{name}.txt").is_file()), None)
        if split is None:
            return VocTruth(annotations, None, _read(annotations, _all(annotations), annotations))
    path = lists / f"{split}.txt"
    if not path.is_file():
        raise missing_split(split, lists, [file.stem for file in lists.glob("*.txt")])
    names = listed_ids(path, annotations)
    return VocTruth(annotations, split, _read(annotations, names, path))


def _all(folder: Path) -> list[str]:
    """Ids of all annotations in a folder."""
    names = sorted(path.stem for path in folder.glob("*.xml"))
    if not names:
        years = sorted(path.parent.name for path in folder.glob("*/Annotations"))
        raise DataError(
            "There are no annotations",
            expected="a folder of XML files, or one with Annotations and ImageSets in it",
            where=folder,
            fix=" or ".join(f"--annotations {folder / year}" for year in years) or None,
        )
    return names


def _read(folder: Path, names: Sequence[str], listed: Path) -> dict[str, VocFile]:
    files = {}
    for name in names:
        path = folder / name_below(f"{name}.xml", listed)
        if not path.is_file():
            raise DataError(f"{name!r} has no annotation", expected=path, where=listed)
        files[name] = read_voc_xml(path)
        for number, item in enumerate(files[name].objects, 1):
            xmin, ymin, xmax, ymax = item.corners
            why = box_fault((xmin - 1, ymin - 1, xmax, ymax))
            if xmax < xmin or ymax < ymin:
                why = "has its corners in the wrong order"
            if why:
                raise DataError(
                    f"A box {why}",
                    expected="xmin <= xmax and ymin <= ymax",
                    received=[xmin, ymin, xmax, ymax],
                    where=f"{path}, object {number}",
                )
    return files
