"""What a plan looks at in the data: numbers and sizes of images and objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from densefit.data.io.header_file import read_header
from densefit.errors import DensefitError

_MOST = 300  # samples that are looked at, spread over the dataset
_MOST_DECODED = 40  # of these, where a dataset does not say where its images are


@dataclass(frozen=True)
class Fingerprint:
    """Sizes of the samples to train on.

    Attributes:
        samples: number of samples.
        sizes: (n, 2) heights and widths of images that were looked at, in pixels.
        sides: (m,) square roots of the areas of their objects, in pixels; empty without objects.
    """

    samples: int
    sizes: np.ndarray
    sides: np.ndarray

    @property
    def median_size(self) -> tuple[int, int]:
        """Median height and width, in pixels."""
        height, width = np.median(self.sizes, axis=0)
        return int(height), int(width)

    @property
    def is_of_one_orientation(self) -> bool:
        """Whether nearly all images are portraits, or nearly all landscapes."""
        low, high = np.quantile(self.sizes[:, 0] / self.sizes[:, 1], [0.1, 0.9])
        return bool(high <= 1.1 or low >= 1 / 1.1)

    @property
    def small_side(self) -> float | None:
        """Side of which a quarter of the objects are smaller, in pixels; None without objects."""
        return float(np.quantile(self.sides, 0.25)) if len(self.sides) else None

    def __str__(self) -> str:
        height, width = self.median_size
        text = f"{self.samples} images to train on, {height}x{width} in the median"
        if len(self.sides):
            text += f"; half of the objects are larger than {np.median(self.sides):.0f} pixels"
        return text


def fingerprint_of(parts: Sequence[Any], most: int = _MOST) -> Fingerprint:
    """Look at some samples of each dataset, spread over it; most images are not decoded.

    Args:
        parts: datasets.
        most: samples of each that are looked at.

    Raises:
        DensefitError: no sample can be read; the first one's error.
    """
    sizes: list[tuple[int, int]] = []
    sides: list[np.ndarray] = []
    first: DensefitError | None = None
    for dataset in parts:
        has_files = hasattr(dataset, "picture_file")
        for index in _spread(len(dataset), most if has_files else min(most, _MOST_DECODED)):
            try:
                size, areas = _look(dataset, index)
            except DensefitError as error:  # the check of the data tells about broken samples
                first = first or error
                continue
            sizes.append(size)
            sides.append(np.sqrt(areas[areas > 0]))
    if not sizes and first is not None:
        raise first
    count = sum(len(dataset) for dataset in parts)
    return Fingerprint(count, np.array(sizes, float), np.concatenate(sides or [np.zeros(0)]))


def _spread(count: int, most: int) -> list[int]:
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(int)).tolist()


def _look(dataset: Any, index: int) -> tuple[tuple[int, int], np.ndarray]:
    """Size of an image, and areas of its objects."""
    read = getattr(dataset, "annotations_of", None)
    if read is not None and hasattr(dataset, "picture_file"):
        header = read_header(Path(dataset.picture_file(index)))
        size = header.size_as_read(bool(getattr(dataset, "exif", True)))
        return size, _areas(read(index, size) or {})
    sample = dataset[index]
    return sample.image.shape[:2], _areas(sample.targets)


def _areas(targets: Any) -> np.ndarray:
    boxes = targets.get("boxes")
    if boxes is None or not len(boxes):
        return np.zeros(0)
    return np.asarray((boxes[:, 2:] - boxes[:, :2]).prod(axis=1), float)
