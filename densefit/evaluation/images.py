"""Images passed to `predict` directly: files, folders, and arrays, as a dataset."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from densefit.data.loader.loader import Loader
from densefit.data.loader.original_size_loader import OriginalSizeLoader
from densefit.data.loader.sample_task import SampleTransform
from densefit.data.sample import Dataset, Sample, datasets
from densefit.errors import DataError

Image: TypeAlias = str | Path | np.ndarray
Images: TypeAlias = Image | Sequence[Image]


class ImageArrays:
    """A dataset of image arrays without annotations; ids are their indices."""

    def __init__(self, arrays: Sequence[np.ndarray]) -> None:
        self.classes: list[str] = []
        self.arrays = arrays
        for index, array in enumerate(arrays):
            if array.ndim != 3 or array.shape[2] != 3 or array.dtype != np.uint8:
                raise DataError(
                    "This is no image",
                    expected="(H, W, 3) uint8, RGB",
                    received=f"{array.shape} {array.dtype}",
                    where=f"array {index}",
                )

    def __len__(self) -> int:
        return len(self.arrays)

    def id_of(self, index: int) -> str:
        """Index of an array, as text."""
        return str(index)

    def __getitem__(self, index: int) -> Sample:
        return Sample(str(index), self.arrays[index], {})


def is_images(data: Any) -> bool:
    """Whether data are images, not batches of images."""
    if isinstance(data, (list, tuple)):
        return bool(data) and all(isinstance(item, (str, Path, np.ndarray)) for item in data)
    return isinstance(data, (str, Path, np.ndarray))


def is_single(data: Any) -> bool:
    """Whether data are a single image: a file, or an array (H, W, 3)."""
    if isinstance(data, np.ndarray):
        return data.ndim == 3
    return isinstance(data, (str, Path)) and not os.path.isdir(data)


def image_loader(data: Any, transform: SampleTransform | None, batch_size: int) -> Any:
    """Make a loader of images.

    Args:
        data: data for which `is_images` is true.
        transform: resizes each image to the network's input; None keeps its size.
        batch_size: images per batch.

    Raises:
        DataError: a file is missing, a folder has no image, or an array is not an image.
    """
    dataset = _dataset(data)
    workers = 0 if len(dataset) == 1 else None
    if transform is None:
        return OriginalSizeLoader(dataset, batch_size=batch_size, workers=workers)
    return Loader(dataset, batch_size=batch_size, transform=transform, workers=workers)


def _dataset(data: Any) -> Dataset:
    if isinstance(data, np.ndarray):
        return ImageArrays([data] if data.ndim < 4 else list(data))
    if isinstance(data, (str, Path)):
        return datasets.create("image_files", paths=[data])
    arrays = [item for item in data if isinstance(item, np.ndarray)]
    if arrays and len(arrays) < len(data):
        raise DataError(
            "Images are either all arrays or all files", received=f"{len(data)} of both"
        )
    return ImageArrays(arrays) if arrays else datasets.create("image_files", paths=list(data))
