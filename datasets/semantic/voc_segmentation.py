"""PASCAL VOC's masks alone, without boxes; and folders that CVAT and labelme write so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from densefit.data.repr_args import unusual
from densefit.data.sample import datasets
from densefit.datasets.files.color_masks import UNLISTED, ColorMaskReader, ignored_entries
from densefit.datasets.files.color_table import Colors, color_table
from densefit.datasets.files.layout_error import missing_layout
from densefit.datasets.files.masks import MaskReader
from densefit.datasets.files.missing_files import warn_of_absent
from densefit.datasets.files.names import Names, class_names, missing_split, read_lines
from densefit.datasets.files.paths import name_below
from densefit.datasets.files.pictures import pictures_by_stem
from densefit.datasets.voc.split_list import listed_ids
from densefit.errors import DataError, MissingSplitError

from .file_pairs import FilePairs, listed_pairs
from .mask_dataset import MaskDataset, ReadMask

CLASSES = (
    *("background", "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat"),
    *("chair", "cow", "diningtable", "dog", "horse", "motorbike", "person", "pottedplant"),
    *("sheep", "sofa", "train", "tvmonitor"),
)
TREE = """
    {images}/2007_000032.jpg
    {masks}/2007_000032.png   class indices, or colours with labelmap.txt
    ImageSets/Segmentation/{split}.txt   an id a line
"""
_BORDER = (224, 224, 192)  # of index 255
_LISTS = ("ImageSets/Segmentation", "ImageSets/SegmentationAug", "ImageSets/Main")
_NAME_FILES = ("class_names.txt", "classes.txt")  # labelme2voc writes the first


@datasets.register("voc_segmentation")
class VOCSegmentation(MaskDataset):
    """Masks in the layout of PASCAL VOC: palette PNGs whose indices are the classes.

    `JPEGImages/<id>.jpg`, `SegmentationClass/<id>.png`, and the ids in
    `ImageSets/Segmentation/<split>.txt`, one a line; a line may also have the paths of an image
    and its mask. Index 255, the border of objects, is void. Other than `voc` with `masks=True` it
    needs no Annotations.

    CVAT's "Segmentation mask" has colours instead of indices, and their table in labelmap.txt,
    which is used if it is there; without colours (`cat:::`) its order is that of the indices. It
    has the images only if they were exported.

    Args:
        root: folder with JPEGImages, or the one above VOCdevkit or VOC2012.
        split: name of the list: "train", "val", "trainval", "trainaug"...; None: all masks.
        classes: class names from index 0 on, a list or a file with one a line. None: those of
            labelmap.txt, class_names.txt (labelme) or classes.txt in `root`, else the 21 of VOC.
        masks: folder of the masks: "SegmentationClassAug" for the additional ones of SBD.
        images: folder of the images.
        colors: class name -> colour, see `MaskFolder`; None: labelmap.txt, if it is there.
        ignore_colors: colours, or names in the file of colours, that mean "no class"; or
            "unlisted": all colours that no class has. VOC's border (224, 224, 192) is always among
            them.
        exif: turn images as their EXIF orientation says.

    Raises:
        DataError: the folder or the list is missing or broken; when read: missing or broken files,
            values or colours of no class.
    """

    def __init__(
        self,
        root: str | Path,
        split: str | None = "train",
        classes: Names = None,
        masks: str = "SegmentationClass",
        images: str = "JPEGImages",
        colors: Colors | None = None,
        ignore_colors: str | Sequence[Any] = (),
        exif: bool = True,
    ) -> None:
        self._unusual = unusual(VOCSegmentation, locals(), ("root", "split"))
        self.split, self._shown_root = split, Path(root)
        root = _inner(Path(root), masks)
        label_map = root / "labelmap.txt"
        if colors is None and classes is None and label_map.is_file():
            classes = _uncoloured(read_lines(label_map))
            colors = "labelmap.txt" if classes is None else None
        names, read_mask = _reader(root, classes, colors, ignore_colors)
        pairs = self._pairs_of(root, images, masks)
        super().__init__(root, pairs, names, read_mask, exif)

    def __repr__(self) -> str:
        return f"VOCSegmentation({str(self._shown_root)!r}, split={self.split!r}{self._unusual})"

    @classmethod
    def looks_like(cls, root: Path) -> bool:
        """Whether a folder looks like this layout."""
        return (root / "SegmentationClass").is_dir() and not (root / "Annotations").is_dir()

    def _pairs_of(self, root: Path, images: str, masks: str) -> FilePairs:
        """Image and mask of each id in the list."""
        if not (root / masks).is_dir():
            raise missing_layout(
                root,
                TREE.format(images=images, masks=masks, split=self.split),
                f"There is no folder {masks!r}",
                layout="voc_segmentation",
                fix="the setting `masks` names it",
                kind=MissingSplitError,
            )
        present = pictures_by_stem(root / masks)
        ids = list(present)
        if self.split is not None:
            path = self._list(root)
            lines = read_lines(path)
            if all(len(line.split()) == 2 and "." in line.split()[1] for line in lines):
                return listed_pairs(path, root, self)
            ids = listed_ids(path, root / masks)
        pictures = pictures_by_stem(root / images)
        pairs = FilePairs()
        for number, name in enumerate(ids):
            paths, mask = pictures.get(name, []), f"{masks}/{name}.png"
            pairs.files.append((f"{images}/{paths[0] if paths else name}", mask))
            try:
                name_below(name, root)
            except DataError as error:
                pairs.errors[number] = error
                continue
            if len(paths) != 1:
                pairs.errors[number] = DataError(
                    f"The id {name!r} does not have exactly one image",
                    received=", ".join(paths) or "none",
                    where=root / images,
                )
        if len(pairs.errors) == len(ids):
            raise pairs.errors[0] if ids else DataError("There are no masks", where=root / masks)
        warn_of_absent(self, [mask for _, mask in pairs.files], root, "masks")
        return pairs

    def _list(self, root: Path) -> Path:
        """The list of the split."""
        for folder in _LISTS:
            if (root / folder / f"{self.split}.txt").is_file():
                return root / folder / f"{self.split}.txt"
        known_lists = [path.stem for folder in _LISTS for path in (root / folder).glob("*.txt")]
        raise missing_split(
            self.split,
            root / _LISTS[0],
            known_lists,
            f"write {root / _LISTS[0] / f'{self.split}.txt'} with an id a line",
        )


def _inner(root: Path, masks: str) -> Path:
    """The folder with the masks: `root`, or one below it as VOC's archives make them."""
    for below in ("VOCdevkit/VOC2012", "VOC2012", "VOCdevkit/VOC2007", "VOC2007"):
        if not (root / masks).is_dir() and (root / below / masks).is_dir():
            return root / below
    return root


def _uncoloured(lines: Sequence[str]) -> list[str] | None:
    """Names of a label map without colours, `cat:::`, whose masks have indices; else None."""
    parts = [line.split(":") for line in lines if not line.startswith("#")]
    if all(len(words) > 1 and not "".join(words[1:]).strip() for words in parts):
        return [words[0].strip() for words in parts]
    return None


def _reader(
    root: Path, classes: Names, colors: Colors | None, ignore_colors: str | Sequence[Any]
) -> tuple[list[str], ReadMask]:
    """Class names, and the reader of masks."""
    if colors is not None:
        listed_colors = color_table(colors, root).values()
        if ignore_colors != UNLISTED and not any(_BORDER in entry for entry in listed_colors):
            ignore_colors = [*ignored_entries(ignore_colors), _BORDER]
        reader = ColorMaskReader(colors, classes, ignore_colors, root)
        return reader.classes, reader
    if classes is None:
        files = [root / name for name in _NAME_FILES if (root / name).is_file()]
        classes = files[0] if files else list(CLASSES)
    names = class_names(classes, root) or []
    names = names[1:] if names[0] == "__ignore__" else names  # labelme's name of -1
    names = ["background", *names[1:]] if names[0] == "_background_" else names
    return names, MaskReader(len(names))
