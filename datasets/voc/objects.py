"""The samples of a VOC folder, with their objects in continuous coordinates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from densefit.datasets.files.boxes import box_fault
from densefit.datasets.objects.annotation import Box, ImageAnnotation, ObjectAnnotation

from .folder import VocFolder
from .xml import VocFile, VocObject


def image_annotations(
    folder: VocFolder, files: Mapping[str, VocFile], one_based: bool
) -> Iterator[ImageAnnotation]:
    """Yield each id of a list with its image and objects, or the error.

    Args:
        folder: of the ids.
        files: id -> content of its annotation file, as far as they are read.
        one_based: see `VOC`.
    """
    images = folder.images(files)
    for name in folder.ids:
        file, error = files.get(name), folder.errors.get(name)
        image, source = images.get(name, name), folder.xml_file(name)
        if file is None or error is not None:
            yield ImageAnnotation(name, image, (), source, error=error)
            continue
        objects = [_object(entry, file.size, one_based) for entry in file.objects]
        yield ImageAnnotation(name, image, objects, source, file.size)


def _object(entry: VocObject, size: tuple[int, int] | None, one_based: bool) -> ObjectAnnotation:
    """An object; the fault of its box shows the corners of the file."""
    xmin, ymin, xmax, ymax = entry.corners
    first = 1.0 if one_based else 0.0
    box: Box = (xmin - first, ymin - first, xmax, ymax)
    if xmax < xmin or ymax < ymin:
        fault = "has its corners in the wrong order"
    elif (xmin, ymin) == (xmax, ymax):
        fault = "has no area"
    else:
        fault = "" if size is None else box_fault(box, size)
    box = entry.corners if fault else box
    return ObjectAnnotation(entry.name, box, entry.difficult, fault=fault)
