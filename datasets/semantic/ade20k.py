"""ADE20K: scenes with 150 classes, as the scene parsing benchmark has it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from densefit.data.repr_args import unusual
from densefit.data.sample import datasets
from densefit.datasets.files.masks import IGNORE, MaskReader
from densefit.datasets.files.name_pattern import NamePattern
from densefit.datasets.files.names import Names, class_names, doubled, read_lines
from densefit.errors import DataError

from .file_pairs import matched_pairs
from .folders import check_split_folders
from .mask_dataset import MaskDataset

_NAMES_FILE = "objectInfo150.txt"
TREE = """
    images/{split}/ADE_train_00000001.jpg
    annotations/{split}/ADE_train_00000001.png
    objectInfo150.txt
"""
_SPLITS = {"train": "training", "val": "validation"}


@datasets.register("ade20k")
class ADE20K(MaskDataset):
    """ADEChallengeData2016: `images/<split>/*.jpg` and `annotations/<split>/*.png`.

    Value 0 of the files is "other objects", which the benchmark does not score: it is void (255),
    and value k is class k - 1. Names are the first ones of objectInfo150.txt ("building" of
    "building, edifice"). The test images of the benchmark have no annotations.

    Args:
        root: folder with images and annotations, or the one above ADEChallengeData2016.
        split: "training" ("train") or "validation" ("val").
        classes: class names, a list or a file with one a line; None: those of objectInfo150.txt.
        exif: turn images as their EXIF orientation says.

    Raises:
        DataError: a folder or the names are missing, or no image has a mask; when read: missing or
            broken files.
    """

    def __init__(
        self, root: str | Path, split: str = "train", classes: Names = None, exif: bool = True
    ) -> None:
        self._unusual = unusual(ADE20K, locals(), ("root", "split"))
        self.split, root = split, Path(root)
        self._shown_root = root
        if (root / "ADEChallengeData2016").is_dir():
            root = root / "ADEChallengeData2016"
        folder = _SPLITS.get(split, split)
        images = NamePattern(f"images/{folder}/{{name}}")
        masks = NamePattern(f"annotations/{folder}/{{name}}.png")
        check_split_folders(root, folder, (images, masks), TREE.format(split=folder), "ade20k")
        names = _class_names(root / _NAMES_FILE) if classes is None else class_names(classes, root)
        names = names or []
        values = {0: IGNORE, **{index + 1: index for index in range(len(names))}}
        pairs = matched_pairs(images, masks, root, "unpack the archive again")
        super().__init__(root, pairs, names, MaskReader(len(names), values), exif)

    @classmethod
    def looks_like(cls, root: Path) -> bool:
        """Whether a folder looks like this layout."""
        return (root / _NAMES_FILE).is_file() or (root / "ADEChallengeData2016").is_dir()

    def __repr__(self) -> str:
        return f"ADE20K({str(self._shown_root)!r}, split={self.split!r}{self._unusual})"


def _class_names(path: Path) -> list[str]:
    """First names of the classes; all names of a class whose first one another class has, too."""
    if not path.is_file():
        raise DataError(
            "The file with the names of the classes is missing",
            where=path,
            fix="it is in ADEChallengeData2016.zip; or pass classes=",
        )
    entries = list(_entries(path))
    first = [name.split(",")[0].strip() for name in entries]
    repeated = set(doubled(first))
    names = [entry if name in repeated else name for name, entry in zip(first, entries)]
    return class_names(names, path.parent) or []


def _entries(path: Path) -> Iterator[str]:
    """The names of each class, `building, edifice`: the last column of Idx, Ratio, ..., Name."""
    lines = [line.split("\t") for line in read_lines(path)]
    for number, columns in enumerate(lines[1:], 1):
        if len(columns) < 2 or columns[0].strip() != str(number):
            raise DataError(
                "A line is not that of a class",
                expected=f"{number}, and columns with tabs between, the last one a name",
                received=f"{columns!r:.100}",
                where=f"{path}, entry {number + 1}",
            )
        yield columns[-1].strip()
