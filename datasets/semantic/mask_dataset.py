"""Images with a class mask each, whatever layout they came in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from densefit.data.io.image import read_image
from densefit.data.sample import Sample
from densefit.datasets.files.picture_size import picture_size
from densefit.datasets.objects.text_column import TextColumn
from densefit.errors import DataError

from .file_pairs import FilePairs

#: Reads a mask, of the image and the size (height, width) that it should have.
ReadMask = Callable[[Path, Path, tuple[int, int]], np.ndarray]


class MaskDataset:
    """Gives images with `mask`, (H, W) uint8 class indices and 255 for void.

    A layout is a subclass whose `__init__` pairs the files and calls this one, and which has a
    `__repr__` with all settings.

    Args:
        root: folder that the files' paths are below.
        pairs: image and mask of each sample.
        classes: class names, in index order.
        read_mask: reads a mask and checks it.
        exif: turn images as their EXIF orientation says.

    Attributes:
        classes: class names, in index order.
        faults: sample index -> DataError, raised when it is read.
    """

    def __init__(
        self, root: Path, pairs: FilePairs, classes: list[str], read_mask: ReadMask, exif: bool
    ) -> None:
        self.root, self.exif, self.classes = root, exif, classes
        self._read_mask = read_mask
        self._images = TextColumn.of(image for image, _ in pairs.files)
        self._masks = TextColumn.of(mask for _, mask in pairs.files)
        self.faults: Mapping[int, DataError] = pairs.errors

    def __len__(self) -> int:
        return len(self._images)

    def id_of(self, index: int) -> str:
        """The image's path below `root`, without extension."""
        return Path(self._images[index]).with_suffix("").as_posix()

    def picture_file(self, index: int) -> Path:
        """The file of the image."""
        return self._files_of(index)[0]

    def label_files(self, index: int) -> list[Path]:
        """The file of the mask."""
        return [self._files_of(index)[1]]

    def _files_of(self, index: int) -> tuple[Path, Path]:
        """The files of the image and of the mask."""
        index = range(len(self))[index]
        if index in self.faults:
            raise self.faults[index].with_traceback(None)
        return self.root / self._images[index], self.root / self._masks[index]

    def targets_of(self, index: int) -> tuple[str, ...]:
        """Names of a sample's targets."""
        return ("mask",)

    def mask_of(self, index: int) -> np.ndarray:
        """The mask of a sample, without its image: only the image's header is read."""
        image_path, mask_path = self._files_of(index)
        return self._read_mask(mask_path, image_path, picture_size(image_path, self.exif))

    def __getitem__(self, index: int) -> Sample:
        image_path, mask_path = self._files_of(index)
        image = read_image(image_path, self.exif)
        mask = self._read_mask(mask_path, image_path, (image.shape[0], image.shape[1]))
        return Sample(self.id_of(index), image, {"mask": mask})
