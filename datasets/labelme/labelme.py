"""Folders of labelme: a JSON file for each image."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from densefit.data.geometry import rle
from densefit.data.io.image import decode_image
from densefit.data.repr_args import unusual
from densefit.data.sample import datasets
from densefit.datasets.coco.keypoints import Pairs, read_skeleton
from densefit.datasets.files.folder_state import folder_state
from densefit.datasets.files.masks import IGNORE
from densefit.datasets.files.names import Names, class_names
from densefit.datasets.files.pictures import is_picture
from densefit.datasets.objects import DatasetAnnotations, ImageAnnotation, ObjectDataset, Stored
from densefit.datasets.objects.image_ids import image_ids
from densefit.datasets.objects.left_out import LeftOut
from densefit.datasets.objects.masks import decode
from densefit.datasets.objects.object_targets import Objects
from densefit.datasets.objects.table_cache import digest
from densefit.errors import DataError

from .folder import FolderReader, LabelledImage
from .label_file import embedded_image
from .shapes import NO_CLASSES


@datasets.register("labelme")
class Labelme(ObjectDataset):
    r"""A folder of labelme, of any version.

    Images and JSON files lie together, or in two folders below `root` (or `annotations`); see
    `ImagePaths.of` for how they find each other. JSON files without `shapes` are none of labelme,
    and are left out, as is what `labelme_json_to_dataset` exports.

    Polygons, rectangles (two corners in any order, or four points), oriented rectangles, circles
    and masks are objects; shapes of one label and group_id are one object. Later shapes are painted
    over earlier ones. Lines and points enclose nothing: they are counted (`left_out`) and left out,
    as are the labels `__ignore__` and `_background_`; in `mask`, the background below `__ignore__`
    is void (255). Coordinates are continuous. An image without a file that its JSON embeds
    (imageData) is read from there. A shape with the flag "difficult" is difficult.

    Args:
        root: folder of the images.
        classes: class names, a list or a file with one a line, such as labelme's labels.txt. None:
            `<root>/classes.txt`, or, if there is none, the sorted labels of all shapes.
        annotations: folder of the JSON files, if they are not below `root`.
        boxes, masks, instances, labels, bad_boxes: see `ObjectDataset`.
        exif: turn images as their EXIF orientation says, which labelme does.
        keypoints: labels of points, in order, which are given as keypoints of the object with
            their group_id.
        flip_pairs: keypoints that change places in a mirrored image; None: by left and right in
            their names.
        flags: the flags of an image that are true count as its `labels`, and are classes.
        missing_json: what an image without a JSON file is: "background" (without objects),
            "skip" (left out) or "raise" an error when it is read. A warning counts them.

    Attributes:
        left_out: kind of shape -> number of them that are no objects.

    Raises:
        DataError: there is no JSON file of labelme. One that is broken is a fault of its image.
    """

    paints_in_order = True

    def __init__(
        self,
        root: str | Path,
        classes: Names = None,
        annotations: str | Path | None = None,
        boxes: bool = True,
        masks: bool = False,
        instances: bool = False,
        labels: bool = False,
        keypoints: Sequence[str] | None = None,
        flip_pairs: Pairs = None,
        flags: bool = False,
        missing_json: str = "background",
        bad_boxes: str = "drop",
        exif: bool = True,
    ) -> None:
        self._unusual = unusual(Labelme, locals(), ("root",))
        self.root = Path(root)
        json_root = self.root if annotations is None else Path(annotations)
        points = list(keypoints or ())
        listed = class_names(classes, self.root)

        def read() -> DatasetAnnotations:
            left_out = LeftOut()
            reader = FolderReader(self.root, json_root, points, masks or instances, exif, left_out)
            images = reader.read(missing_json)
            names = _used_names(images, flags, json_root) if listed is None else listed
            skeleton = None
            if points:
                skeleton = read_skeleton([{"name": "", "keypoints": points}], flip_pairs, self.root)
            left_out.report(self, "they enclose no area, or are of no class")
            names = [name for name in names if name not in NO_CLASSES]
            void = {index: _as_json(image.void) for index, image in enumerate(images) if image.void}
            notes = {"left_out": dict(left_out.counts), "void": void}
            return DatasetAnnotations(_annotations(images, flags), names, skeleton, notes)

        super().__init__(
            read,
            None,
            self.root,
            boxes=boxes,
            masks=masks,
            instances=instances,
            labels=labels,
            bad_boxes=bad_boxes,
            exif=exif,
            stored=Stored(
                [json_root],
                digest((listed, str(self.root))),
                partial(folder_state, [self.root, json_root], (".json",)),
            ),
        )
        notes = self._table.meta["notes"]
        self.left_out: dict[str, int] = notes["left_out"]
        self._void = {int(index): regions for index, regions in notes["void"].items()}

    def __repr__(self) -> str:
        return f"Labelme({str(self.root)!r}{self._unusual})"

    @classmethod
    def looks_like(cls, root: Path) -> bool:
        """Whether images and JSON files of the same names lie in the folder or those in it."""
        folders = [root, *(path for path in root.iterdir() if path.is_dir())]
        if {"img", "ann"} <= {folder.name for folder in folders}:
            return False  # Supervisely
        names = [name for folder in folders for name in os.listdir(folder)]
        images = {os.path.splitext(name)[0] for name in names if is_picture(name)}
        return any(name.endswith(".json") and name[:-5] in images for name in names)

    def _paint(
        self, index: int, objects: Objects, size: tuple[int, int], where: object
    ) -> np.ndarray:
        mask = super()._paint(index, objects, size, where)
        for segmentation in self._void.get(index, ()):
            mask[decode(segmentation, size, where) & (mask == 0)] = IGNORE
        return mask

    def _read_image(self, path: Path) -> np.ndarray:
        if path.suffix.lower() == ".json":
            return decode_image(embedded_image(path), path, self.exif)
        return super()._read_image(path)


def _used_names(images: Sequence[LabelledImage], flags: bool, folder: Path) -> list[str]:
    """The sorted labels of all shapes, and of images that have flags."""
    names = {entry.name for image in images for entry in image.objects}
    names |= {flag for image in images for flag in image.flags if flags}
    for image in images if not names else ():
        if image.error is not None:
            raise image.error
    if not names:
        fix = "name the classes: classes=['cat', 'dog']"
        raise DataError("No shape has a label", expected="class names", where=folder, fix=fix)
    return sorted(names)


def _as_json(segmentations: Sequence[Any]) -> list[Any]:
    """Segmentations as JSON can hold them."""
    return [
        [[float(value) for value in part] for part in outline]
        if isinstance(outline, list)
        else rle.as_text(outline)
        if isinstance(outline["counts"], bytes)
        else outline
        for outline in segmentations
    ]


def _annotations(images: Sequence[LabelledImage], flags: bool) -> list[ImageAnnotation]:
    ids = image_ids(image.name for image in images)
    return [
        ImageAnnotation(
            key,
            image.file,
            image.objects,
            image.source,
            image.size,
            labels=image.flags if flags else (),
            error=image.error,
            is_measured=image.is_measured,
        )
        for key, image in zip(ids, images)
    ]
