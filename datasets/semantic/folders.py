"""Folders of images and masks: which ones a setting means, and the error if they are missing."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from densefit.datasets.files.layout_error import missing_layout
from densefit.datasets.files.name_pattern import NamePattern, suffix_hint
from densefit.datasets.files.names import missing_split
from densefit.datasets.files.pictures import SPLITS, folders_in
from densefit.datasets.files.split_names import split_names
from densefit.errors import ConfigError, DataError, MissingSplitError

TREE = """
    {images}.png
    {masks}.png   class indices, or colours with `colors`
"""
_LIST = "    {split}.txt   or an image and its mask a line: {images}.png {masks}.png"
#: Folders that are looked for if neither is set; the first ones are the defaults.
_FOLDERS = (
    ("{split}", "{split}annot"),
    *(("images/{split}", f"{masks}/{{split}}") for masks in ("masks", "labels", "annotations")),
    *(("{split}/images", f"{{split}}/{masks}") for masks in ("masks", "labels", "annotations")),
    *(("{split}", f"{{split}}_{masks}") for masks in ("masks", "labels")),
)
_ROBOFLOW = "_classes.csv"
_FOLDERS_WITHOUT_SPLIT = tuple(
    (images, masks)
    for images in ("images", "imgs", "image")
    for masks in ("masks", "labels", "annotations", "mask", "label")
)


def find_folders(
    root: Path, split: str | None, images: str, masks: str, has_suffix: bool = False
) -> tuple[str, str]:
    """Folders or patterns of images and masks, with the split's name in them.

    With the defaults, `{split}` and `{split}annot`, common pairs of folders are looked for, also
    under the split's other names (val, valid); and without suffixes a folder as Roboflow exports
    it, in which a_mask.png is the mask of a.jpg.

    Args:
        root: the dataset's folder.
        split: its name, or None.
        images: as set.
        masks: as set.
        has_suffix: whether suffixes of names are set.

    Raises:
        ConfigError: several pairs of folders are there, or a folder is named after a split of None.
    """
    if (images, masks) != _FOLDERS[0]:
        return _with_split(images, split), _with_split(masks, split)
    common = _FOLDERS if split is not None else _FOLDERS_WITHOUT_SPLIT
    names = (split,) if not isinstance(split, str) else split_names(split)
    pairs = [(_with_split(a, name), _with_split(b, name)) for name in names for a, b in common]
    present = [pair for pair in pairs if all((root / folder).is_dir() for folder in pair)]
    has_default = split is not None and present[:1] == pairs[:1]
    if len(present) > 1 and not has_default:
        raise ConfigError(
            "Several folders may hold the masks",
            expected="the settings `images` and `masks`",
            received="; ".join(" and ".join(pair) for pair in present),
            where=root,
        )
    if not present and not has_suffix:
        exports = (str(name) for name in names if (root / str(name) / _ROBOFLOW).is_file())
        present = [(name, f"{name}/{{name}}_mask.png") for name in exports][:1]
    return present[0] if present else pairs[0]


def missing_folder(
    root: Path, split: str | None, images: NamePattern, masks: NamePattern
) -> DataError:
    """Make the error of a folder of images or masks that is not there.

    Args:
        root: the dataset's folder.
        split: its name, or None.
        images: pattern of the images.
        masks: pattern of the masks.
    """
    fix = f"put them into {root / images.folder} and {root / masks.folder}"
    has_images = (root / images.folder).is_dir()
    what, tree = f"There is no folder {(masks if has_images else images).folder!r}", TREE
    if has_images:
        fix = _side_by_side(root, images) or fix
    elif split is not None:
        lists = [path.stem for path in root.glob("*.txt") if path.stem != "classes"]
        folders = [path.name for path in root.glob("*") if path.is_dir()]
        fix = f"write {root / str(split)}.txt, a picture and its mask a line; or {fix}"
        if {*lists, *folders} & SPLITS or not isinstance(split, str):
            return missing_split(split, root, lists + folders, fix)
        what, tree = f"{what}, and no list {split}.txt", tree + _LIST
    stems = {
        kind: pattern.text.replace("{name}", "a")
        for kind, pattern in (("images", images), ("masks", masks))
    }
    return missing_layout(
        root,
        tree.format(split=split, **stems),
        what,
        layout="mask_folder",
        fix=f"{fix}; or name the folders by the settings `images` and `masks`",
        kind=DataError if split is None or has_images else MissingSplitError,
    )


def _side_by_side(root: Path, images: NamePattern) -> str | None:
    """The settings that find masks beside their images, a_mask.png beside a.jpg, or None."""
    keys = [key for key in map(images.key, images.files(root)) if key is not None]
    hint = suffix_hint(keys, keys, "mask_suffix")
    folder = images.folder
    return hint and f"if they are in one folder, set images={folder!r}, masks={folder!r}, {hint}"


def check_split_folders(
    root: Path, split: str, patterns: Sequence[NamePattern], tree: str, layout: str
) -> None:
    """Raise an error unless the folders of a split are there, `<top>/<split>` each.

    Args:
        root: the dataset's folder.
        split: its name.
        patterns: of the files.
        tree: expected files, for the error.
        layout: registered name of the layout.

    Raises:
        MissingSplitError: a folder is missing; shows the tree, or the splits that are there.
    """
    for pattern in patterns:
        top = root / pattern.folder.split("/")[0]
        if (root / pattern.folder).is_dir():
            continue
        if top.is_dir() and folders_in(top):
            fix = f"put the files into {root / pattern.folder}"
            raise missing_split(split, top, folders_in(top), fix)
        what = f"There is no folder {pattern.folder!r}"
        raise missing_layout(root, tree, what, layout=layout, kind=MissingSplitError)


def _with_split(text: str, split: str | None) -> str:
    """A folder or pattern with the split's name."""
    if split is None and "{split}" in text:
        raise ConfigError(
            "A folder is named after the split, and there is none",
            received=text,
            where="MaskFolder",
            fix="name the folders by the settings `images` and `masks`, or give a split",
        )
    return text.replace("{split}", str(split))
