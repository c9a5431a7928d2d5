"""The folders of a Supervisely project, and their annotations."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from densefit.data.io.image_limits import check_pixels
from densefit.datasets.files.json_file import read_json
from densefit.datasets.files.picture_size import picture_size
from densefit.datasets.files.pictures import files_below, folders_in, pictures_below
from densefit.datasets.objects import ObjectAnnotation
from densefit.datasets.objects.left_out import LeftOut
from densefit.datasets.objects.shapes import join_shapes, memory_error
from densefit.errors import DataError

from .fields import tag_names
from .meta import Meta
from .shapes import SHAPES, kind_of, read_shape

TREE = """
    meta.json                 classes of the project
    street/img/1.jpg          images, in a folder of each dataset
    street/ann/1.jpg.json     their annotations
"""
_IMAGES, _ANNOTATIONS, _NESTED = "img", "ann", "datasets"
_DEEPEST = 8  # datasets in datasets


@dataclass
class ProjectImage:
    """One image with its objects.

    Attributes:
        dataset: name of its dataset; nested ones have slashes, that of `root` itself is "".
        file: path below the project.
        name: path that the id is made of.
        source: annotation file; None if there is none.
        size: (height, width); None: not stated.
        is_measured: the size is that of the image's file.
        objects: in the file's order.
        tags: names and texts of the image's tags.
        error: why it cannot be used.
    """

    dataset: str
    file: str
    name: str
    source: Path | None = None
    size: tuple[int, int] | None = None
    is_measured: bool = False
    objects: list[ObjectAnnotation] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    error: DataError | None = None


def dataset_folders(root: Path, below: str = "", depth: int = 0) -> Iterator[str]:
    """Yield the paths of folders that hold `img` and `ann`, and of those in them."""
    names = folders_in(root / below)
    if _ANNOTATIONS in names and _IMAGES in names:
        yield below
    if depth < 2 * _DEEPEST:
        for name in names:
            if name not in (_ANNOTATIONS, _IMAGES):
                yield from dataset_folders(root, posixpath.join(below, name), depth + 1)


def project_images(root: Path) -> list[ProjectImage]:
    """All images of a project with their annotation files, which are not read."""
    images: list[ProjectImage] = []
    for folder in dataset_folders(root):
        dataset = "/".join(part for part in folder.split("/") if part != _NESTED)
        inner = posixpath.join(folder, _ANNOTATIONS)
        present = set(files_below(root / inner, ".json"))
        paths = pictures_below(root / posixpath.join(folder, _IMAGES))
        taken: set[str] = set()
        for path in paths:
            names = (f"{path}.json", f"{os.path.splitext(path)[0]}.json")  # new and old versions
            name = next((name for name in names if name in present), None)
            error = None
            if name in taken:
                error = DataError("One annotation file is of two images", where=root / inner / name)
            taken.update([name] if name else [])
            images.append(_image(root, folder, dataset, path, name))
            images[-1].error = error
        for name in sorted(present - taken):  # an error when it is read, as there is no image
            images.append(_image(root, folder, dataset, name[: -len(".json")], name))
    return images


def _image(root: Path, folder: str, dataset: str, path: str, name: str | None) -> ProjectImage:
    return ProjectImage(
        dataset,
        posixpath.join(folder, _IMAGES, path),
        posixpath.join(dataset, path),
        None if name is None else root / folder / _ANNOTATIONS / name,
    )


@dataclass(frozen=True)
class AnnotationReader:
    """Reads annotation files.

    Attributes:
        root: of the project.
        meta: of the project.
        segmentations: whether masks are wanted.
        exif: images are turned as their EXIF orientation says.
        left_out: counts shapes that are no objects.
    """

    root: Path
    meta: Meta
    segmentations: bool
    exif: bool
    left_out: LeftOut

    def read(self, image: ProjectImage) -> None:
        """Add to an image what its annotation file says, or the error."""
        if image.source is None or image.error is not None:
            return
        try:
            content = read_json(image.source, "annotations")
            if not isinstance(content, dict) or not isinstance(content.get("objects"), list):
                raise DataError(
                    "An annotation file of Supervisely is not usable",
                    expected='{"size": ..., "tags": [...], "objects": [...]}',
                    received=f"{content!r:.100}",
                    where=image.source,
                )
            image.tags = tag_names(content.get("tags"), str(image.source))
            image.size = _stated_size(content.get("size"), image.source)
            self._add_objects(image, content["objects"])
        except DataError as error:
            image.error = error
        except MemoryError:
            image.error = memory_error(image.source)

    def _add_objects(self, image: ProjectImage, entries: list[Any]) -> None:
        if image.size is None and entries:
            image.size = picture_size(self.root / image.file, self.exif)
            image.is_measured = True
        shapes = []
        for index, entry in enumerate(entries):
            where = f"{image.source}, object {index}"
            name = entry.get("classTitle") if isinstance(entry, dict) else None
            if not isinstance(name, str) or not name:
                raise DataError(
                    "An object has no class (classTitle)", received=f"{entry!r:.80}", where=where
                )
            kind = kind_of(entry, self.meta)
            if kind != "graph" and kind not in SHAPES:
                self.left_out.add(kind, where)
            elif image.size is not None:
                shape = read_shape(entry, name, self.meta, image.size, where)
                shapes.append(replace(shape, where=f"object {index}"))
        if image.size is not None:
            points = self.meta.keypoints()
            image.objects = join_shapes(shapes, image.size, points, self.segmentations)


def _stated_size(size: Any, path: Path) -> tuple[int, int] | None:
    if size is None:
        return None
    sides = [size.get(side, 0) for side in ("height", "width")] if isinstance(size, dict) else []
    if not sides or not all(type(side) is int and 0 < side < 1 << 24 for side in sides):
        raise DataError(
            "An annotation file states a size that no image has",
            expected='"size": {"height": ..., "width": ...} in pixels',
            received=f"{size!r:.80}",
            where=path,
        )
    height, width = sides
    check_pixels((height, width), path)
    return height, width
