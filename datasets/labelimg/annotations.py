"""XML files of a folder, matched with the images that they annotate."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from densefit.datasets.files.image_pairs import match_images
from densefit.datasets.objects import ImageAnnotation, ObjectAnnotation
from densefit.datasets.voc.xml import VocFile, VocObject, annotations_by_stem
from densefit.datasets.voc.xml_files import read_xml_files
from densefit.errors import DataError
from densefit.once import warn_once

logger = logging.getLogger(__name__)

#: Path below the folder of the XML files -> content, or why it cannot be read.
Files = Mapping[str, VocFile | DataError]


def read_folder(folder: Path) -> dict[str, VocFile | DataError]:
    """All XML files in a folder and below it, by their path."""
    paths = [path for paths in annotations_by_stem(folder).values() for path in paths]
    return read_xml_files(folder, paths)


def image_annotations(
    files: Files, images: Sequence[str], folder: Path, one_based: bool
) -> list[ImageAnnotation]:
    """Each image with its objects, and after them the XML files that have no image.

    An image without an XML file has no objects. An image is an error if it has two XML files, or
    if its XML file may as well be that of another image.

    Args:
        files: XML files by path.
        images: paths of the images.
        folder: of the XML files.
        one_based: see `LabelImg`.
    """
    candidates = _candidates(files, images)
    owners, errors = _owners(files, candidates, folder)
    stems = Counter(os.path.splitext(path)[0] for path in images)
    annotated = []
    for path in images:
        stem = os.path.splitext(path)[0]
        sample_id = stem if stems[stem] == 1 else path
        xml = owners.get(path)
        if path in errors or xml is None:
            annotated.append(ImageAnnotation(sample_id, path, error=errors.get(path)))
        else:
            annotated.append(_annotation(sample_id, path, files[xml], folder / xml, one_based))
    ids = {image.id for image in annotated}
    for xml in (path for path in files if not candidates[path]):
        stem = os.path.splitext(xml)[0]
        error = DataError(
            "An XML file has no image",
            expected=f"{stem}.jpg, or an image of another format",
            received=f"filename {_filename(files[xml])!r}",
            where=folder / xml,
            fix="put the image back, or remove the XML file",
        )
        sample_id = xml if stem in ids else stem
        annotated.append(ImageAnnotation(sample_id, f"{stem}.jpg", (), folder / xml, error=error))
    return annotated


def _owners(
    files: Files, candidates: Mapping[str, list[str]], folder: Path
) -> tuple[dict[str, str], dict[str, DataError]]:
    """Image -> its XML file, and what is wrong with other images."""
    owners: dict[str, str] = {}
    errors: dict[str, DataError] = {}
    for xml, paths in candidates.items():
        ending = os.path.splitext(_filename(files[xml]))[1].lower()
        fitting = [path for path in paths if os.path.splitext(path)[1].lower() == ending]
        owner = paths[0] if len(paths) == 1 else fitting[0] if len(fitting) == 1 else None
        for path in paths:
            if path != owner:
                errors[path] = DataError(
                    "An XML file fits more than one image",
                    received=", ".join(paths),
                    where=folder / xml,
                    fix="remove, or rename, all but one of these images",
                )
            elif path in owners:
                errors[path] = DataError(
                    "An image has two XML files",
                    received=f"{owners[path]}, {xml}",
                    where=folder,
                    fix="remove one of them",
                )
            else:
                owners[path] = xml
    return owners, errors


def _candidates(files: Files, images: Sequence[str]) -> dict[str, list[str]]:
    """The images that each XML file may belong to, by its own name, else by its `filename`."""
    matches = match_images(images, files)
    claimed = {path for paths in matches.values() for path in paths}
    by_name: dict[str, list[str]] = {}
    for path in images:
        if path not in claimed:
            by_name.setdefault(os.path.basename(path), []).append(path)
    return {xml: paths or by_name.get(_filename(files[xml]), []) for xml, paths in matches.items()}


def _filename(file: VocFile | DataError) -> str:
    """The image's name as the XML file has it, without folders; "" if it cannot be read."""
    return "" if isinstance(file, DataError) else os.path.basename(file.filename.replace("\\", "/"))


def _annotation(
    sample_id: str, path: str, file: VocFile | DataError, xml: Path, one_based: bool
) -> ImageAnnotation:
    if isinstance(file, DataError):
        return ImageAnnotation(sample_id, path, (), xml, error=file)
    objects = tuple(_objects(file.objects, one_based))
    return ImageAnnotation(sample_id, path, objects, xml, file.size)


def _objects(entries: Sequence[VocObject], one_based: bool) -> Iterator[ObjectAnnotation]:
    for number, entry in enumerate(entries, 1):
        xmin, ymin, xmax, ymax = entry.corners
        first = 1.0 if one_based else 0.0
        box = (xmin - first, ymin - first, xmax, ymax)
        if xmax < xmin or ymax < ymin or (xmin, ymin) == (xmax, ymax):
            box = entry.corners  # in the wrong order, or a click: no box in either way to count
        yield ObjectAnnotation(entry.name, box, entry.difficult, where=f"object {number}")


def warn_of_single_files(dataset: object, annotated: Sequence[ImageAnnotation], count: int) -> None:
    """Warn of images without an XML file, and of all errors.

    Args:
        dataset: for the messages.
        annotated: the images, and after them the XML files that have none.
        count: of the images.
    """
    images = [image for image in annotated[:count] if image.source is None and image.error is None]
    if images:
        warn_once(
            logger,
            "%s: %d of %d images have no XML file, and count as background; the first: %s",
            *(dataset, len(images), len(annotated), images[0].file),
        )
    faults = [image.error for image in annotated if image.error is not None]
    if faults:
        warn_once(
            logger,
            "%s: %d of %d samples raise an error when they are read, the first: %s",
            *(dataset, len(faults), len(annotated), " ".join(str(faults[0]).split())),
        )
