"""Pictures and class masks in folders: CamVid, Carvana, Kvasir, LoveDA and the like."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from densefit.data.repr_args import unusual
from densefit.data.sample import datasets
from densefit.datasets.files.color_masks import ColorMaskReader
from densefit.datasets.files.color_table import TABLES, Colors
from densefit.datasets.files.mask_values import value_map, value_table
from densefit.datasets.files.masks import MaskReader
from densefit.datasets.files.name_pattern import NamePattern
from densefit.datasets.files.names import Names, class_names
from densefit.datasets.files.pictures import folders_in
from densefit.datasets.files.split_names import split_names
from densefit.datasets.semantic.file_pairs import FilePairs, listed_pairs, matched_pairs
from densefit.datasets.semantic.folders import find_folders, missing_folder
from densefit.datasets.semantic.mask_dataset import MaskDataset, ReadMask
from densefit.errors import ConfigError, DataError


@datasets.register("mask_folder")
class MaskFolder(MaskDataset):
    """Semantic segmentation: a picture of class indices, or colours, beside each picture.

    The list `<root>/<split>.txt` has an image and its mask a line, paths below `root`, with a
    blank between. Without it, the pictures of two folders, and of the folders below these, are
    matched by their paths without extension, or by patterns: `images="{split}"`,
    `masks="{split}"`, `mask_suffix="_mask"` pair train/a.jpg with train/a_mask.png. If neither
    `images` nor `masks` is set, images/{split} with masks/{split} (or labels, annotations),
    {split}/images with {split}/masks, {split} with {split}_masks, and Roboflow's export (a_mask.png
    beside a.jpg) are found, too; "val" may be called "valid" there.

    Masks are grey or palette pictures of class indices. With `colors` they are coloured ones, or
    palette pictures of which the colours count.

    Args:
        root: the folder.
        split: name of the list, and of the folders; None: all images, from images/ and masks/.
        classes: class names: a list, or a file with one a line; None: those of `colors`, else
            `<root>/classes.txt`, else `<root>/<split>/_classes.csv`, which Roboflow writes.
        ignore_value: a value of the files, behind those of the classes, that means "no class"; it
            becomes 255. If the last name is that value's ("Unlabelled"), the name is left out of
            `classes`. Where it comes before a class, as 0 often does, give `values`.
        values: file value -> class index (or 255), where files number their classes otherwise
            (Cityscapes' label ids), or 255 is one of them ({255: 1}); values may be text, "255". A
            value that is not named keeps its number, if that is a class which no named value
            becomes. Excludes `ignore_value`.
        images: folder of the pictures, without a list; or a pattern of their paths, such as
            `{split}/img/{name}.png`: `{name}`, or other words in braces, is what an image shares
            with its mask, `*` what it does not.
        masks: folder of the masks, or a pattern, as `images`.
        exif: turn pictures as their EXIF orientation says.
        image_suffix: what the names of pictures in that folder have behind the part that they
            share with their masks: "_leftImg8bit", or with an extension, ".jpg". Others are left
            out.
        mask_suffix: the same of masks: "_mask", "_gtFine_labelIds.png".
        colors: class name -> colour, [r, g, b] or "#rrggbb", or a list of colours; or a file
            below `root`: label_colors.txt, class_dict.csv, labelmap.txt or JSON. Excludes
            `values` and `ignore_value`.
        ignore_colors: colours, or names in the file of colours, that mean "no class"; or
            "unlisted": all colours that no class has.

    Attributes:
        has_splits: whether other splits have other images.

    Raises:
        ConfigError: settings that contradict each other, or one folder for images and masks.
        DataError: missing lists or folders, or no picture has a mask; when read: missing or
            broken files, a mask of another size than its picture, values or colours of no class.
    """

    def __init__(
        self,
        root: str | Path,
        split: str | None = "train",
        classes: Names = None,
        ignore_value: int | None = None,
        values: Mapping[int, int] | None = None,
        images: str = "{split}",
        masks: str = "{split}annot",
        exif: bool = True,
        image_suffix: str = "",
        mask_suffix: str = "",
        colors: Colors | None = None,
        ignore_colors: str | Sequence[Any] = (),
    ) -> None:
        values = value_map(values)
        self._unusual = unusual(MaskFolder, locals(), ("root", "split"))
        self.root, self.split = Path(root), split
        is_listed = split is not None and (self.root / f"{split}.txt").is_file()
        self.has_splits = is_listed or "{split}" in images + masks
        if is_listed:
            pairs = listed_pairs(self.root / f"{split}.txt", self.root, self)
        else:
            pairs = self._matched(images, masks, image_suffix, mask_suffix)
        names, read_mask = self._reader(classes, ignore_value, values, colors, ignore_colors)
        super().__init__(self.root, pairs, names, read_mask, exif)

    def __repr__(self) -> str:
        return f"MaskFolder({str(self.root)!r}, split={self.split!r}{self._unusual})"

    @classmethod
    def looks_like(cls, root: Path) -> bool:
        """Whether a folder looks like this layout."""
        names = folders_in(root)
        return "masks" in names or any(f"{name}annot" in names for name in names)

    def _reader(
        self,
        classes: Names,
        ignore_value: int | None,
        values: Mapping[int, int] | None,
        colors: Colors | None,
        ignore_colors: str | Sequence[Any],
    ) -> tuple[list[str], ReadMask]:
        """Names of the classes, and the reader of masks."""
        if colors is not None:
            if values is not None or ignore_value is not None:
                raise ConfigError(
                    "Masks have colours or values, not both",
                    received="colors and " + ("ignore_value" if values is None else "values"),
                    where="MaskFolder",
                    fix="ignore_colors says which colours are void",
                )
            reader = ColorMaskReader(colors, classes, ignore_colors, self.root)
            return reader.classes, reader
        if ignore_colors:
            raise ConfigError("ignore_colors needs colors", where="MaskFolder")
        names = class_names(classes, self.root, numbered=True)
        for name in split_names(str(self.split)):
            if names is None and (self.root / name / "_classes.csv").is_file():
                names = class_names(self.root / name / "_classes.csv", self.root)
        if names is None:
            raise self._nameless()
        names, table = value_table(names, ignore_value, values)
        return names, MaskReader(len(names), table)

    def _nameless(self) -> DataError:
        """The error of masks whose classes have no names."""
        fix = (
            "write one name a line into that file, the first for the value 0, or pass classes= "
            '(--data.settings.classes "[background, NAME]"), or, for masks in colours, '
        )
        tables = [name for name in TABLES if (self.root / name).is_file()]
        fix += f"colors={tables[0]!r}" if tables else "colors={name: [r, g, b]}"
        return DataError(
            "The classes of the masks have no names", where=self.root / "classes.txt", fix=fix
        )

    def _matched(self, images: str, masks: str, image_suffix: str, mask_suffix: str) -> FilePairs:
        """Pairs of images and masks by their names."""
        has_suffix = bool(image_suffix or mask_suffix)
        images, masks = find_folders(self.root, self.split, images, masks, has_suffix)
        patterns = NamePattern(images, image_suffix), NamePattern(masks, mask_suffix)
        if not all((self.root / pattern.folder).is_dir() for pattern in patterns):
            raise missing_folder(self.root, self.split, *patterns)
        fix = "say how their names differ, such as mask_suffix='_mask'; or move them apart"
        if self.split is not None:
            fix += f", or list an image and its mask a line in {self.root / f'{self.split}.txt'}"
        return matched_pairs(*patterns, self.root, fix)
