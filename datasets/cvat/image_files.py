"""The image files that a CVAT file names, and the frames of a video."""

from __future__ import annotations

import os
import posixpath
from collections.abc import Sequence
from pathlib import Path

from densefit.datasets.files.layout_error import missing_layout
from densefit.datasets.files.paths import Name, names_below
from densefit.datasets.files.picture_size import picture_size
from densefit.datasets.files.pictures import pictures_below
from densefit.errors import ConfigError, DataError

from .annotation_file import AnnotatedImage

TREE = """
    annotations.xml           "CVAT for images 1.1" or "CVAT for video 1.1"
    images/street/1.jpg       images by the names in it, or in a folder of their subset
    images/frame_000000.PNG   or the frames of a video
"""


def image_folder(root: Path, images: str | Path | None) -> Path:
    """The folder of the images: `images`, else `<root>/images`, else `root`."""
    inner = root / "images"
    folder = Path(images) if images is not None else inner if inner.is_dir() else root
    if not folder.is_dir():
        raise missing_layout(root, TREE, "There is no folder of images", layout="cvat")
    return folder


class ImageFiles:
    """Finds images.

    Args:
        folder: of the images.
        xml_path: the annotations, for errors.
        frames: pattern of the frames' names.
        exif: images are turned as their EXIF orientation says.

    Attributes:
        folder: of the images.
        present: paths of the images in it.
    """

    def __init__(self, folder: Path, xml_path: Path, frames: str, exif: bool) -> None:
        self.folder, self._xml_path, self._exif = folder, xml_path, exif
        self.present = set(pictures_below(self.folder))
        self._frame_names = _pattern(frames)
        self._by_stem: dict[str, str] = {}
        for path in sorted(self.present, reverse=True):
            self._by_stem[os.path.splitext(posixpath.basename(path))[0]] = path

    def paths(self, images: Sequence[AnnotatedImage]) -> list[Name]:
        """Path of each image below `folder`, or the error.

        Raises:
            DataError: none of them is there.
        """
        names = [self._with_subset(image) for image in images]
        paths = names_below(names, self.folder, self._xml_path)
        if self.present.isdisjoint(path for path in paths if isinstance(path, str)):
            raise self._none_there(f"{names[0]!r:.200}")
        return paths

    def frame_path(self, number: int) -> str:
        """Path of a frame below `folder`, whether it is there or not."""
        name = self._frame_names % number
        return self._by_stem.get(name, f"{name}.PNG")

    def check_frames(self, numbers: Sequence[int]) -> None:
        """Raise DataError if none of the frames is there."""
        paths = {self.frame_path(number) for number in numbers}
        if not paths & self.present:
            raise self._none_there(f"{self._frame_names % numbers[0]}.PNG")

    def size_of(self, image: AnnotatedImage) -> tuple[int, int]:
        """(height, width) by the file's header. Raises DataError if there is no such file."""
        is_frame = image.name.isdigit() and not image.subset
        path = self.frame_path(int(image.name)) if is_frame else self._with_subset(image)
        if path not in self.present:
            raise DataError(
                "The size of an image is neither stated nor known, since there is no such file",
                where=f"{self._xml_path}, {image.where}",
            )
        return picture_size(self.folder / path, self._exif)

    def _with_subset(self, image: AnnotatedImage) -> str:
        path = posixpath.join(image.subset, image.name)
        return path if image.subset and path in self.present else image.name

    def _none_there(self, example: str) -> DataError:
        return missing_layout(
            self.folder,
            TREE,
            f"None of the images of {self._xml_path.name} is there, such as {example}",
            fix="export with images (for a video, its frames), or name their folder with `images`",
        )


def _pattern(frames: str) -> str:
    try:
        names = {frames % number for number in (0, 1)}
    except (TypeError, ValueError, MemoryError, OverflowError):
        names = set()
    if len(names) < 2:
        raise ConfigError(
            "The names of a video's frames hold no number",
            expected="frames='frame_%06d'",
            received=repr(frames),
            where="CVAT",
        )
    return frames
