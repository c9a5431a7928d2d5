"""All JSON files of a folder of labelme, and the images that they are of."""

from __future__ import annotations

import logging
import os
import posixpath
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from densefit.datasets.files.layout_error import missing_layout
from densefit.datasets.files.picture_size import picture_size
from densefit.datasets.files.pictures import files_below, pictures_below
from densefit.datasets.objects import ObjectAnnotation
from densefit.datasets.objects.left_out import LeftOut
from densefit.datasets.objects.shapes import join_shapes, memory_error
from densefit.errors import ConfigError, DataError
from densefit.once import warn_once

from .image_paths import ImagePaths
from .label_file import LabelFile, embedded_size, read_label_file
from .shapes import VOID, read_shapes

logger = logging.getLogger(__name__)

TREE = """
    street/1.jpg    images, in this folder or any below it
    street/1.json   labelme's annotations, beside them or in a folder of their own
"""
POLICIES = ("background", "skip", "raise")
#: What labelme_json_to_dataset writes into a folder a_json (or a) for each a.json.
_EXPORTED = ("img.png", "label.png", "label_viz.png")


@dataclass
class LabelledImage:
    """One image with its objects, whose classes have no index yet.

    Attributes:
        file: path below the folder of images; of an image that is embedded, its JSON file.
        name: path that the id is made of.
        source: JSON file; None if there is none.
        size: (height, width); None: not known.
        is_measured: the size is that of the image's file.
        objects: in the file's order.
        void: outlines and masks of regions of no class.
        flags: of the image, that are true.
        error: why the file cannot be used.
    """

    file: str
    name: str
    source: Path | None = None
    size: tuple[int, int] | None = None
    is_measured: bool = False
    objects: list[ObjectAnnotation] = field(default_factory=list)
    void: Sequence[Any] = ()
    flags: Sequence[str] = ()
    error: DataError | None = None


@dataclass(frozen=True)
class FolderReader:
    """Reads a folder.

    Attributes:
        root: folder of the images.
        json_root: folder of the JSON files.
        keypoints: labels of points that are keypoints.
        segmentations: whether outlines and masks are wanted.
        exif: images are turned as their EXIF orientation says.
        left_out: counts shapes that are no objects.
    """

    root: Path
    json_root: Path
    keypoints: Sequence[str]
    segmentations: bool
    exif: bool
    left_out: LeftOut

    def read(self, missing_json: str) -> list[LabelledImage]:
        """All images, sorted by path.

        Args:
            missing_json: what an image without a JSON file is, see `Labelme`.

        Raises:
            DataError: there is no JSON file of labelme.
        """
        if missing_json not in POLICIES:
            raise ConfigError(
                "Unknown way to treat images without a JSON file",
                expected=f"missing_json={' or '.join(map(repr, POLICIES))}",
                received=repr(missing_json),
                where="Labelme",
            )
        if not self.root.is_dir() or not self.json_root.is_dir():
            folder = self.json_root if self.root.is_dir() else self.root
            raise missing_layout(folder, TREE, "There is no such folder", layout="labelme")
        pictures = [path for path in pictures_below(self.root) if not self._is_exported(path)]
        images = self._labelled(ImagePaths(pictures), set(pictures))
        if not images:
            raise missing_layout(
                self.json_root, TREE, "There is no JSON file of labelme", layout="labelme"
            )
        unlabelled = [path for path in pictures if path not in images]
        if unlabelled:
            warn_once(
                logger,
                "%s: %d of %d images have no JSON file (missing_json=%r), the first: %s",
                *(self.root, len(unlabelled), len(pictures), missing_json, unlabelled[0]),
            )
        for path in unlabelled if missing_json != "skip" else ():
            images[path] = LabelledImage(path, path)
            if missing_json == "raise":
                images[path].error = DataError(
                    "An image has no JSON file",
                    where=self.root / path,
                    fix="annotate it, or set missing_json to 'background' or 'skip'",
                )
        return [images[path] for path in sorted(images)]

    def _labelled(self, paths: ImagePaths, present: Collection[str]) -> dict[str, LabelledImage]:
        images: dict[str, LabelledImage] = {}
        foreign: list[Path] = []
        for below in files_below(self.json_root, ".json"):
            path = self.json_root / below
            error = None
            try:
                file = read_label_file(path)
                if file is None:
                    foreign.append(path)
                    continue
                image = paths.of(file, below)
            except DataError as fault:
                file, error = None, fault
                image = paths.stem_of(below)
            if image in images:
                images[image].error = _twice(image, images[image].source, path)
                continue
            entry = images[image] = LabelledImage(image, image, path, error=error)
            if file is not None:
                self._add_objects(entry, file, image in present)
        if foreign:
            warn_once(
                logger,
                "%s: %d JSON files have no `shapes`, and are left out as none of labelme, the "
                "first: %s",
                *(self.json_root, len(foreign), foreign[0]),
            )
        return images

    def _add_objects(self, entry: LabelledImage, file: LabelFile, is_present: bool) -> None:
        """Read the shapes of a file; what is wrong with them is the image's error."""
        entry.flags = file.flags
        try:
            size = file.size
            if not is_present and file.has_image:
                is_inside = self.json_root == self.root
                below = os.path.relpath(file.path, self.root) if is_inside else file.path.absolute()
                entry.file = Path(below).as_posix()
                size = size or embedded_size(file.path, self.exif)
            elif is_present and size is None:
                size = picture_size(self.root / entry.file, self.exif)
                entry.is_measured = True
            if size is None:
                return  # there is no image: an error when it is read
            entry.size = size
            shapes = read_shapes(file, size, self.keypoints, self.left_out)
            void = [shape for shape in shapes if shape.name == VOID]
            shapes = [shape for shape in shapes if shape.name != VOID]
            entry.objects = join_shapes(shapes, size, self.keypoints, self.segmentations)
            if self.segmentations:
                entry.void = [shape.segmentation for shape in join_shapes(void, size)]
        except DataError as fault:
            entry.error = fault
        except MemoryError:
            entry.error = memory_error(file.path)

    def _is_exported(self, path: str) -> bool:
        folder, name = posixpath.split(path)
        if name not in _EXPORTED or not folder:
            return False
        return folder.endswith("_json") or (self.json_root / f"{folder}.json").is_file()


def _twice(image: str, first: object, second: object) -> DataError:
    return DataError(
        "Two JSON files are of one image",
        expected="one",
        received=f"{first} and {second}",
        where=image,
        fix="take one of them out of the folder",
    )
