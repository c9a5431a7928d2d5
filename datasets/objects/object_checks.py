"""Which annotated objects are usable, of many images at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from densefit.datasets.files.boxes import BoxCheck, box_fault, clip_box
from densefit.datasets.files.names import class_index
from densefit.datasets.files.picture_size import picture_size
from densefit.errors import DataError

from .annotation import Box, ImageAnnotation, ObjectAnnotation
from .segmentation import faults as segmentation_faults

#: The smallest box is a part of a pixel: of a relative one, pixels are not known yet.
_RELATIVE = 1e4
#: Number in the file from 1, annotation, box, class index, area.
Row = tuple[int, ObjectAnnotation, Box, int, float]


@dataclass
class CheckedImage:
    """An image, and what is wrong with its objects.

    Attributes:
        image: as a reader gives it.
        size: (height, width); (1, 1) if its objects are in parts of it; None: not needed.
        is_measured: the size is that of the image's file.
        error: why the image cannot be used.
        box_faults, segmentation_faults: index of an object -> why it cannot be used.
    """

    image: ImageAnnotation
    size: tuple[int, int] | None = None
    is_measured: bool = False
    error: DataError | None = None
    box_faults: dict[int, str] = field(default_factory=dict)
    segmentation_faults: dict[int, str] = field(default_factory=dict)


def check_images(
    images: Sequence[ImageAnnotation], image_root: Path, exif: bool, segmentations: bool
) -> list[CheckedImage]:
    """Look at the objects of images: at their boxes, then at all segmentations together.

    Args:
        images: as a reader gives them.
        image_root: folder that the images' paths are below.
        exif: images are turned as their EXIF orientation says.
        segmentations: whether objects need one.
    """
    checked_images = [_with_size(image, image_root, exif) for image in images]
    owners: list[tuple[CheckedImage, int]] = []
    outlines: list[Any] = []
    sizes: list[tuple[int, int]] = []
    scales: list[float] = []
    for checked in checked_images:
        if checked.size is None:
            continue
        scale = _RELATIVE if checked.image.is_relative else 1.0
        size = (int(checked.size[0] * scale), int(checked.size[1] * scale))
        for index, entry in enumerate(checked.image.objects):
            x1, y1, x2, y2 = entry.box
            box = (x1 * scale, y1 * scale, x2 * scale, y2 * scale)
            why = entry.fault or box_fault(box, size)
            if why:
                checked.box_faults[index] = why
            elif segmentations:
                owners.append((checked, index))
                outlines.append(entry.segmentation)
                sizes.append(size)
                scales.append(scale)
    for number, why in segmentation_faults(outlines, sizes, scales).items():
        checked, index = owners[number]
        checked.segmentation_faults[index] = why
    return checked_images


def _with_size(image: ImageAnnotation, image_root: Path, exif: bool) -> CheckedImage:
    checked = CheckedImage(image, error=image.error)
    if image.error is not None or not image.objects:
        return checked
    if image.is_relative:
        checked.size = (1, 1)
    elif image.size is not None:
        checked.size = image.size
    else:
        try:
            checked.size = picture_size(image_root / image.file, exif)
            checked.is_measured = True
        except DataError as error:
            checked.error = error
    return checked


def usable_rows(
    checked: CheckedImage, index: Mapping[str, int], classes: Sequence[str], check: BoxCheck
) -> list[Row]:
    """Rows of the usable objects of an image; the others are noted.

    Args:
        checked: the image.
        index: class name -> class index.
        classes: class names, in index order.
        check: what becomes of objects that cannot be used.

    Raises:
        DataError: an object is of no class, or `check` refuses those that cannot be used.
    """
    image, size, rows = checked.image, checked.size, []
    for number, entry in enumerate(image.objects if size is not None else ()):
        label = index.get(entry.name)
        where = f"{image.source}, {entry.where}" if entry.where else image.source
        if label is None:
            label = class_index(entry.name, classes, where)  # raises
        if number in checked.box_faults:
            check.reject(checked.box_faults[number], entry.box, where)
            continue
        if number in checked.segmentation_faults:
            why = checked.segmentation_faults[number]
            check.reject(why, [entry.segmentation], where, "segmentation", "segmentations")
            continue
        clipped = clip_box(entry.box, *size) if size is not None else entry.box
        if size is not None and clipped != entry.box:
            check.note_cut(entry.box, clipped, size, where)
        area = entry.area
        if area is None:
            area = (clipped[2] - clipped[0]) * (clipped[3] - clipped[1])
        rows.append((number + 1, entry, clipped, label, area))
    return rows
