"""Which samples a folder of images and maps has: those of a list, or all that fit patterns."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from densefit.datasets.files.layout_error import missing_layout
from densefit.datasets.files.name_pattern import NamePattern
from densefit.datasets.files.names import missing_split
from densefit.datasets.files.pictures import check_apart
from densefit.errors import DataError, MissingSplitError

from .map_files import MapFiles, listed_names, listed_pairs, matched_files

_SETTINGS = {"image": "images", "depth": "depths", "normals": "normals", "mask": "masks"}


def find_samples(
    root: Path, split: str | None, folders: Mapping[str, str], skip_missing: bool, dataset: object
) -> MapFiles:
    """Find the files of the samples of a split.

    Args:
        root: the dataset's folder.
        split: name of the list `<root>/<split>.txt`, or what `{split}` in the folders stands for.
        folders: kind -> folder or pattern; "image" is the first.
        skip_missing: leave out images that lack a map.
        dataset: for warnings.

    Raises:
        ConfigError: one folder for two kinds, or patterns of different fields.
        DataError: missing folders or lists, broken lists, or no sample has all its files.
    """
    texts = {kind: folder.replace("{split}", str(split)) for kind, folder in folders.items()}
    patterns = {kind: NamePattern(text) for kind, text in texts.items()}
    path = root / f"{split}.txt"
    has_list = split is not None and path.is_file()
    if has_list and list(patterns) == ["image", "depth"]:
        bases = [
            root / pattern.folder if (root / pattern.folder).is_dir() else root
            for pattern in patterns.values()
        ]
        pairs = listed_pairs(path, (bases[0], bases[1]), dataset)
        if pairs is not None:
            return pairs
    _check_folders(root, split, patterns)
    if has_list:
        return matched_files(patterns, root, listed_names(path), skip_missing)
    if split is not None and texts == dict(folders):
        raise _missing_list(root, split, path, patterns)
    return matched_files(patterns, root, None, skip_missing)


def _check_folders(root: Path, split: str | None, patterns: dict[str, NamePattern]) -> None:
    """Raise an error if there is no folder of images, or one folder is to hold two kinds."""
    plain = {_SETTINGS[kind]: root / p.folder for kind, p in patterns.items() if p.is_plain}
    check_apart(plain, "move the files apart, or give patterns: depths='rgb/{name}_depth.png'")
    if not (root / patterns["image"].folder).is_dir():
        raise _missing(
            root,
            split,
            patterns,
            f"There is no folder {patterns['image'].folder!r}",
            "name the folders by the settings `images`, `depths`, `masks` and `normals`",
        )


def _missing_list(
    root: Path, split: object, path: Path, patterns: dict[str, NamePattern]
) -> DataError:
    lists = [path.stem for path in root.glob("*.txt") if path.stem != "classes"]
    fix = f"write {path}, the name of a picture a line, or leave `split` out: all of them"
    if lists or not isinstance(split, str):
        return missing_split(split, root, lists, fix)
    return _missing(root, split, patterns, f"There is no list {path.name}", fix, MissingSplitError)


def _missing(
    root: Path,
    split: str | None,
    patterns: dict[str, NamePattern],
    what: str,
    fix: str,
    kind: type[DataError] = DataError,
) -> DataError:
    """The error of files that are not there."""
    tree = "".join(f"    {p.text.replace('{name}', 'a')}.png\n" for p in patterns.values())
    if split is not None:
        tree += f"    {split}.txt   a name a line: a"
    return missing_layout(root, tree, what, layout="depth_folder", fix=fix, kind=kind)
