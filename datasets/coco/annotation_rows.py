"""Annotations of one piece of a COCO file in arrays, where nothing about them is unusual."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from types import NoneType
from typing import Any

import numpy as np

from densefit.datasets.files.boxes import SMALLEST
from densefit.datasets.files.numbers import FAR

from .content import check_objects
from .ids import Id
from .objects import ObjectReader

_UNKNOWN, LEFT_OUT = -2, -1  # in place of a class index


@dataclass
class Rows:
    """Annotations of one piece of the file; `is_plain` where nothing has to be looked at again."""

    images: np.ndarray
    classes: np.ndarray
    boxes: np.ndarray
    areas: np.ndarray
    crowd: np.ndarray
    is_plain: np.ndarray


class PlainRows:
    """Reads many annotations at once.

    Args:
        reader: knows the categories.
        rows: image id -> index.
        sizes: (images, 2) height and width of each image.
    """

    def __init__(self, reader: ObjectReader, rows: Mapping[Id, int], sizes: np.ndarray) -> None:
        self._path, self._rows, self._sizes = reader.path, rows, sizes
        self._classes = {
            key: reader.classes.get(name, LEFT_OUT) for key, name in reader.categories.items()
        }
        self._numbers: np.ndarray | None = None  # sorted ids: a search is faster than a dict
        if _are({int}, list(rows)) and all(abs(int(key)) < 2**62 for key in rows):
            numbers = np.fromiter(rows, np.int64, len(rows))
            self._order = np.argsort(numbers)
            self._numbers = numbers[self._order]

    def read(self, annotations: Sequence[Any]) -> Rows | None:
        """Annotations in arrays; None if one has a value of an unusual type."""
        if set(map(type, annotations)) != {dict}:
            check_objects(annotations, f"{self._path}, annotations")
        try:
            keys = [entry["image_id"] for entry in annotations]
            categories = [entry["category_id"] for entry in annotations]
            corners = [entry["bbox"] for entry in annotations]
            areas = [entry.get("area") for entry in annotations]
            crowd = [entry.get("iscrowd") for entry in annotations]
            if not _are({int}, keys, categories) or not _are({list}, corners):
                return None
            numbers = list(chain.from_iterable(corners))
            if set(map(len, corners)) != {4} or not _are({int, float}, numbers):
                return None
            if not _are({int, float, NoneType}, areas) or not set(crowd) <= {None, 0, 1}:
                return None
            rows = empty_rows(0)
            rows.images = self._images_of(keys)
            box = np.array(numbers, np.float64).reshape(-1, 4)
            area = np.array([-1.0 if value is None else value for value in areas], np.float64)
        except (KeyError, TypeError, OverflowError):
            return None
        rows.classes = np.array([self._classes.get(k, _UNKNOWN) for k in categories], np.int32)
        with np.errstate(all="ignore"):
            box[:, 2:] += box[:, :2]
            x1, y1, x2, y2 = box.T
            if None in areas:
                missing = np.array([value is None for value in areas])
                width_height = np.array(numbers, np.float64).reshape(-1, 4)[:, 2:]
                area = np.where(missing, width_height.prod(axis=1), area)
            height, width = self._sizes[rows.images].T
            rows.is_plain = (0 <= x1) & (x1 < x2 - SMALLEST) & (x2 <= width)
            rows.is_plain &= (0 <= y1) & (y1 < y2 - SMALLEST) & (y2 <= height)
            rows.is_plain &= (0 <= area) & (area <= FAR * FAR) & (rows.classes != _UNKNOWN)
        rows.boxes, rows.areas, rows.crowd = box, area, np.array(crowd, bool)
        return rows

    def _images_of(self, keys: list[int]) -> np.ndarray:
        """Index of each annotated image. Raises KeyError if one is not in the file."""
        if self._numbers is None:
            return np.array([self._rows[key] for key in keys], np.int64)
        keys_array = np.array(keys, np.int64)
        ranks = np.searchsorted(self._numbers, keys_array).clip(max=len(self._numbers) - 1)
        if (self._numbers[ranks] != keys_array).any():
            raise KeyError
        return self._order[ranks]


def empty_rows(count: int) -> Rows:
    """Rows of zeros."""
    return Rows(
        np.zeros(count, np.int64),
        np.zeros(count, np.int32),
        np.zeros((count, 4)),
        np.zeros(count),
        np.zeros(count, bool),
        np.zeros(count, bool),
    )


def _are(types: set[type], *columns: Sequence[Any]) -> bool:
    """Whether all values of some columns are of these very types."""
    return all(set(map(type, column)) <= types for column in columns)
