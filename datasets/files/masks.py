"""Class masks: values in the file to class indices, and the checks that belong to it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np

from densefit.data.io.index_image import read_mask
from densefit.errors import ConfigError, DataError

from .picture_size import check_map_size

IGNORE = 255


def check_count(classes: int, where: object) -> None:
    """Raise ConfigError for more classes than a mask of bytes can tell apart, beside 255."""
    if classes > IGNORE:
        raise ConfigError(
            "A mask cannot hold so many classes",
            expected=f"at most {IGNORE}, the background among them: {IGNORE} means no class",
            received=classes,
            where=where,
            fix="keep some of the classes, with `classes`",
        )


def all_values(values: Mapping[int, int], classes: int) -> dict[int, int]:
    """File value -> class index, of all values that have one where some are named.

    A value that is not named keeps its number, if that is a class which no named value becomes.

    >>> all_values({255: 1}, 2), all_values({7: 0, 8: 1}, 2)
    ({0: 0, 255: 1}, {7: 0, 8: 1})

    Args:
        values: those that are named.
        classes: how many classes there are.
    """
    taken = {*values, *values.values()}
    return {**{i: i for i in range(classes) if i not in taken}, **values}


class MaskReader:
    """Reads masks of `classes` classes; 255 is "ignore", unless `values` makes it a class.

    Args:
        classes: how many classes there are.
        values: file value -> class index or 255; see `all_values`. None: the file's values are the
            indices.

    Raises:
        ConfigError: there are more classes than a mask can hold.
    """

    def __init__(self, classes: int, values: Mapping[int, int] | None = None) -> None:
        check_count(classes, "masks")
        self.classes = classes
        self._table = np.full(256, IGNORE, np.uint8)
        self._is_listed = np.zeros(256, bool)
        self._is_listed[IGNORE] = True
        pairs = {i: i for i in range(classes)} if values is None else all_values(values, classes)
        for value, index in pairs.items():
            self._table[value] = index
            self._is_listed[value] = True
        self._unknown = (~self._is_listed).astype(np.uint8)  # for OpenCV's tables, of bytes

    def __call__(self, path: Path, image_path: Path, size: tuple[int, int]) -> np.ndarray:
        """(H, W) uint8 class indices.

        Args:
            path: the mask.
            image_path: its picture, for the message.
            size: (height, width) of the picture.

        Raises:
            DataError: the mask is broken, of another size, or has values of no class.
        """
        mask = read_mask(path)
        check_map_size("A mask", mask.shape, size, path, image_path)
        if cv2.countNonZero(cv2.LUT(mask, self._unknown)):
            present = np.unique(mask)
            unknown = present[~self._is_listed[present]]
            raise DataError(
                "A mask has values that belong to no class",
                expected=f"{_ranges(np.flatnonzero(self._is_listed))}",
                received=f"also {', '.join(map(str, unknown[:10]))}",
                where=path,
                fix="see the number of classes, or map the values",
            )
        return np.asarray(cv2.LUT(mask, self._table))


def _ranges(values: np.ndarray) -> str:
    """Sorted numbers as text: "0..20, 255"."""
    runs = np.split(values, np.flatnonzero(np.diff(values) > 1) + 1)
    return ", ".join(f"{run[0]}..{run[-1]}" if len(run) > 1 else str(run[0]) for run in runs)
