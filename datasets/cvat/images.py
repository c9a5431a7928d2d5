"""The images and frames of an export of CVAT, with their objects."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from densefit.datasets.files.names import missing_split
from densefit.datasets.files.paths import Name
from densefit.datasets.objects import ImageAnnotation, ObjectAnnotation
from densefit.datasets.objects.image_ids import image_ids
from densefit.datasets.objects.left_out import LeftOut
from densefit.datasets.objects.shapes import join_shapes, memory_error
from densefit.errors import DataError

from .annotation_file import AnnotatedImage, AnnotationFile
from .image_files import ImageFiles


@dataclass
class ExportedImage:
    """One image, before the classes are known."""

    image: AnnotatedImage
    file: Name
    objects: list[ObjectAnnotation]


def read_images(
    source: AnnotationFile, files: ImageFiles, split: str | None, segmentations: bool
) -> list[ExportedImage]:
    """All images of the subset, and all frames.

    Raises:
        DataError: there are none, or no file of any.
    """
    rows: list[ExportedImage] = []
    subsets: set[str] = set()

    def add(image: AnnotatedImage, file: Name = "") -> None:
        points = source.labels.points
        objects: list[ObjectAnnotation] = []
        if image.shapes and image.size is not None:
            try:
                objects = join_shapes(image.shapes, image.size, points, segmentations)
            except MemoryError:
                image.error = memory_error(f"{source.path}, {image.where}")
        image.shapes = []  # whose masks take more memory than run lengths
        rows.append(ExportedImage(image, file, objects))

    for image in source.images():
        subsets.add(image.subset)
        if split in (None, image.subset):
            add(image)
    if split is not None and split not in subsets:
        raise missing_split(split, source.path, sorted(subsets - {""}))
    for row, file in zip(rows, files.paths([row.image for row in rows]) if rows else ()):
        row.file = file
    if source.frames:
        files.check_frames(list(source.frames))
        paths = {files.frame_path(number): frame for number, frame in source.frames.items()}
        for path in sorted(files.present | set(paths)):
            add(paths.get(path) or AnnotatedImage(path), path)
    if not rows:
        raise DataError(
            "The file has neither images nor tracks",
            expected='"CVAT for images 1.1" or "CVAT for video 1.1"',
            where=source.path,
        )
    return rows


def used_names(rows: Sequence[ExportedImage], path: Path, left_out: LeftOut) -> list[str]:
    """Sorted labels of all objects and tags.

    Args:
        rows: images with their objects.
        path: the file, for errors.
        left_out: counts of the shapes that became no objects.

    Raises:
        DataError: there are none.
    """
    names = {entry.name for row in rows for entry in row.objects}
    names.update(tag for row in rows for tag in row.image.tags)
    if names:
        return sorted(names)
    for row in rows:
        if row.image.error is not None:
            raise row.image.error
    raise DataError(
        "The file declares no labels, and has no tags or shapes that enclose an area",
        received=str(left_out) or None,
        where=path,
        fix="name the classes: classes=['cat', 'dog']",
    )


def annotations_of(
    rows: Sequence[ExportedImage], path: Path, names: Collection[str], declared: Collection[str]
) -> list[ImageAnnotation]:
    """Images with the objects of the classes; labels that are not declared stay, as errors."""
    unselected = set(declared).difference(names)
    files = [row.image.name if isinstance(row.file, DataError) else row.file for row in rows]
    return [
        ImageAnnotation(
            key,
            file,
            [entry for entry in row.objects if entry.name not in unselected],
            path,
            row.image.size,
            labels=[tag for tag in row.image.tags if tag not in unselected],
            error=row.file if isinstance(row.file, DataError) else row.image.error,
            is_measured=row.image.is_measured,
        )
        for key, file, row in zip(image_ids(files), files, rows)
    ]
