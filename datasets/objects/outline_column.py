"""Segmentations of all objects as columns: polygons, run lengths, and what is neither."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

#: Kinds of segmentations. Polygons whose numbers are whole hundredths or millionths are stored as
#: these, which divided give the same float64 again; others as float64.
NONE, HUNDREDTHS, MILLIONTHS, FLOATS, STRING, RUNS, JSON = range(7)
SCALES = {HUNDREDTHS: 1e2, MILLIONTHS: 1e6}
LARGEST = 2**31 - 1
TYPES: dict[str, Any] = {
    "kinds": np.uint8,
    "first_parts": np.int64,
    "part_counts": np.int32,
    "part_starts": np.int64,
    "part_lengths": np.int32,
    "integers": np.int32,
    "floats": np.float64,
    "texts": np.uint8,
}


@dataclass
class OutlineColumn:
    """Segmentations in columns; `column[i]` makes the Python object of one.

    A polygon is a part. Run lengths have two: the lengths, and as start and length of the second
    the mask's height and width.

    Attributes:
        kinds: (objects,) uint8.
        first_parts: (objects,) int64, index of each object's first part.
        part_counts: (objects,) int32.
        part_starts: (parts,) int64, first number (or byte) of a part in the array of its kind.
        part_lengths: (parts,) int32.
        integers: (n,) int32: hundredths, millionths and lists of runs.
        floats: (n,) float64.
        texts: (n,) uint8: compressed runs, and JSON of what is none of these.
    """

    kinds: np.ndarray
    first_parts: np.ndarray
    part_counts: np.ndarray
    part_starts: np.ndarray
    part_lengths: np.ndarray
    integers: np.ndarray
    floats: np.ndarray
    texts: np.ndarray

    def __len__(self) -> int:
        return len(self.kinds)

    def __getitem__(self, index: int) -> Any:
        kind, first = int(self.kinds[index]), int(self.first_parts[index])
        if kind == NONE:
            return None
        if kind in (STRING, JSON):
            text = self._part(self.texts, first).tobytes()
            if kind == JSON:
                return json.loads(text)
            return {"size": self._size(first + 1), "counts": text}
        if kind == RUNS:
            runs = self._part(self.integers, first).tolist()
            return {"size": self._size(first + 1), "counts": runs}
        parts = range(first, first + int(self.part_counts[index]))
        if kind == FLOATS:
            return [self._part(self.floats, part).tolist() for part in parts]
        return [(self._part(self.integers, part) / SCALES[kind]).tolist() for part in parts]

    def of_rows(self, rows: slice) -> list[Any]:
        """Segmentations of adjacent objects."""
        return [self[index] for index in range(rows.start, rows.stop)]

    def select(self, rows: np.ndarray) -> OutlineColumn:
        """The segmentations of some objects, in the order of `rows`."""
        chosen = (self.kinds[rows], self.first_parts[rows], self.part_counts[rows])
        parts = (self.part_starts, self.part_lengths, self.integers, self.floats, self.texts)
        return OutlineColumn(*chosen, *parts)

    def _part(self, numbers: np.ndarray, part: int) -> np.ndarray:
        start = int(self.part_starts[part])
        return numbers[start : start + int(self.part_lengths[part])]

    def _size(self, part: int) -> list[int]:
        return [int(self.part_starts[part]), int(self.part_lengths[part])]
