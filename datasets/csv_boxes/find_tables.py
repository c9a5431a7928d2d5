"""Where the table of a split is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from densefit.datasets.files.layout_error import missing_layout
from densefit.datasets.files.names import missing_split
from densefit.datasets.files.paths import name_below
from densefit.datasets.files.pictures import SPLITS
from densefit.datasets.files.split_names import split_names
from densefit.errors import DataError

TREE = """
    annotations.csv       filename,xmin,ymin,xmax,ymax,class,split a box a line; or {split}.csv
    a.jpg                 or images/a.jpg, {split}/a.jpg
"""

_OF_A_SPLIT = (
    *("{split}.csv", "{split}_labels.csv", "{split}_annotations.csv", "annotations_{split}.csv"),
    *("{split}-annotations-bbox.csv", "{split}/_annotations.csv", "{split}/annotations.csv"),
    *("data/{split}_labels.csv", "annotations/{split}_labels.csv", "annotations/{split}.csv"),
)
_USUAL = ("annotations.csv", "_annotations.csv", "labels.csv", "_labels.csv")
_CLASSES = ("classes.csv", "class-descriptions")


@dataclass(frozen=True)
class Tables:
    """The table of a split, and those of all splits.

    Attributes:
        path: the table.
        further: tables of the other splits.
        is_of_split: the table has the images of one split only.
    """

    path: Path
    further: list[Path]
    is_of_split: bool


def find_tables(root: Path, split: str | None, file: str | None) -> Tables:
    """Find the table of a split.

    Args:
        root: folder of the dataset.
        split: name of the split; None: all images.
        file: path of the table below `root`, which may have {{split}} in it; None: usual names.

    Raises:
        DataError: there is no such table, or several.
    """
    if file is not None:
        name_below(file, "the setting `file`")
        path = root / file.replace("{split}", str(split))
        if not path.is_file():
            raise _missing(root, split, f"There is no table {path.name}")
        return Tables(path, _further(root, file, split, path), "{split}" in file)
    for name in split_names(split) if split is not None else ():
        for pattern in _OF_A_SPLIT:
            path = root / pattern.replace("{split}", name)
            if path.is_file():
                return Tables(path, _further(root, pattern, name, path), True)
    tables = [root / name for name in _USUAL if (root / name).is_file()][:1]
    tables = tables or [
        path for path in sorted(root.glob("*.csv")) if not path.name.startswith(_CLASSES)
    ]
    if len(tables) == 1:
        return Tables(tables[0], [], False)
    if tables and split is not None:
        raise missing_split(split, root, [path.stem for path in tables])
    if tables:
        raise DataError(
            "Several tables may be meant",
            expected="a split, or the setting `file`",
            received=", ".join(path.name for path in tables[:10]),
            where=root,
        )
    present_splits = [
        name
        for name in sorted(SPLITS)
        if any((root / pattern.replace("{split}", name)).is_file() for pattern in _OF_A_SPLIT)
    ]
    if split is not None and present_splits:
        raise missing_split(split, root, present_splits)
    raise _missing(root, split, "There is no table of boxes")


def has_table(root: Path) -> bool:
    """Whether a folder has a table of a usual name."""
    patterns = (*_USUAL, *(pattern.replace("{split}", "train") for pattern in _OF_A_SPLIT))
    return any((root / name).is_file() for name in patterns)


def _further(root: Path, pattern: str, split: str | None, path: Path) -> list[Path]:
    """Tables of the other splits, which are called alike."""
    if "{split}" not in pattern:
        return []
    if split in SPLITS:
        tables = [root / pattern.replace("{split}", name) for name in sorted(SPLITS)]
    else:
        tables = sorted(root.glob(pattern.replace("{split}", "*")))
    return [table for table in tables if table != path and table.is_file()]


def _missing(root: Path, split: str | None, what: str) -> DataError:
    return missing_layout(root, TREE.format(split=split or "train"), what, layout="csv")
