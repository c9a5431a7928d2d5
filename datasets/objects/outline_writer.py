"""Turn segmentations, as annotation files have them, into columns."""

from __future__ import annotations

import json
from array import array
from collections.abc import Sequence
from itertools import chain
from typing import Any

import numpy as np

from .outline_column import (
    FLOATS,
    JSON,
    LARGEST,
    NONE,
    RUNS,
    SCALES,
    STRING,
    TYPES,
    OutlineColumn,
)
from .segmentation import string_of, usable_parts

#: Largest coordinate times the numbers of an object whose outlines are surely short enough.
_NEAR = 1e6


class OutlineWriter:
    """Collects segmentations, some hundreds at a time, into an `OutlineColumn`."""

    def __init__(self) -> None:
        self._columns: dict[str, list[np.ndarray]] = {name: [] for name in TYPES}
        self._rows: list[np.ndarray] = []  # row of each object, in the order in which it was added
        self._count = self._parts = 0
        self._filled = {"integers": 0, "floats": 0, "texts": 0}

    def add(self, segmentations: Sequence[Any]) -> list[int]:
        """Add segmentations; of polygons, those of three corners or more.

        Returns:
            Indices of those that may have a fault: all but polygons near the image, see `faults`.
        """
        lists = [i for i, outline in enumerate(segmentations) if type(outline) is list]
        try:
            far = self._add_polygons([segmentations[i] for i in lists]) if lists else []
            doubtful = [lists[i] for i in far]
        except (TypeError, OverflowError, ValueError):
            doubtful = [i for i in lists if self._add_single(segmentations[i])]
        self._rows.append(np.array(lists, np.int64) + self._count)
        singles = [i for i, outline in enumerate(segmentations) if type(outline) is not list]
        for i in singles:
            self._add_single(segmentations[i])
        self._rows.append(np.array(singles, np.int64) + self._count)
        self._count += len(segmentations)
        return sorted(doubtful + singles)

    def column(self) -> OutlineColumn:
        """The segmentations so far; ends the writer."""
        arrays = {}
        for name, kind in TYPES.items():
            arrays[name] = np.concatenate([np.zeros(0, kind), *self._columns.pop(name)])
        order = np.argsort(np.concatenate([np.zeros(0, np.int64), *self._rows]))
        return OutlineColumn(**arrays).select(order)

    def _add_single(self, outline: Any) -> bool:
        """Add one of any kind."""
        if outline is None:
            self._append([NONE], [0], [], [], "texts", np.zeros(0, np.uint8))
            return True
        if type(outline) is list and outline:
            try:
                return bool(self._add_polygons([outline]))
            except (TypeError, OverflowError, ValueError):
                pass
        counts = outline.get("counts") if isinstance(outline, dict) else None
        size: Any = outline.get("size") if isinstance(outline, dict) else None
        text = string_of(counts)
        if _is_size(size) and (text is not None or _are_small(counts)):
            kind, name = (RUNS, "integers") if text is None else (STRING, "texts")
            values = np.array(counts, np.int32) if text is None else np.frombuffer(text, np.uint8)
            starts, lengths = [self._filled[name], size[0]], [len(values), size[1]]
            self._append([kind], [2], starts, lengths, name, values)
        else:
            values = np.frombuffer(json.dumps(outline, default=_plain).encode(), np.uint8)
            self._append([JSON], [1], [self._filled["texts"]], [len(values)], "texts", values)
        return True

    def _add_polygons(self, polygons: list[list[list[float]]]) -> list[int]:
        """Add polygons, or raise and change nothing; returns those that lead far away."""
        if not set(map(type, chain.from_iterable(polygons))) <= {list}:
            raise TypeError("these are no lists")
        polygons = [usable_parts(parts) for parts in polygons]
        parts = list(chain.from_iterable(polygons))
        lengths = np.fromiter(map(len, parts), np.int64, len(parts))
        counts = np.fromiter(map(len, polygons), np.int64, len(polygons))
        if (lengths % 2).any() or not counts.all():
            raise ValueError("these are no polygons")
        numbers = np.frombuffer(array("d", list(chain.from_iterable(parts))))
        per_object = np.add.reduceat(lengths, np.cumsum(counts) - counts)
        kinds, scaled = _scaled(numbers, per_object)
        starts = np.zeros(len(parts), np.int64)
        for name, objects in (("integers", kinds != FLOATS), ("floats", kinds == FLOATS)):
            chosen = np.repeat(objects, counts)
            starts[chosen] = np.cumsum(lengths[chosen]) - lengths[chosen] + self._filled[name]
            values = (scaled if name == "integers" else numbers)[np.repeat(objects, per_object)]
            self._fill(name, values.astype(TYPES[name], copy=False))
        self._add_columns(kinds, counts, starts, lengths)
        begins = np.cumsum(per_object) - per_object
        far = np.maximum.reduceat(np.abs(numbers), begins)
        return np.flatnonzero(~(far * per_object <= _NEAR)).tolist()

    def _append(
        self,
        kinds: list[int],
        counts: list[int],
        starts: list[int],
        lengths: list[int],
        name: str,
        values: np.ndarray,
    ) -> None:
        self._fill(name, values)
        columns = (np.array(column, np.int64) for column in (kinds, counts, starts, lengths))
        self._add_columns(*columns)

    def _add_columns(
        self, kinds: np.ndarray, counts: np.ndarray, starts: np.ndarray, lengths: np.ndarray
    ) -> None:
        columns = self._columns
        columns["kinds"].append(kinds.astype(np.uint8))
        columns["first_parts"].append(np.cumsum(counts) - counts + self._parts)
        columns["part_counts"].append(counts.astype(np.int32))
        columns["part_starts"].append(starts)
        columns["part_lengths"].append(lengths.astype(np.int32))
        self._parts += len(starts)

    def _fill(self, name: str, values: np.ndarray) -> None:
        self._columns[name].append(values)
        self._filled[name] += len(values)


def _scaled(numbers: np.ndarray, per_object: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Kind of each object, and the numbers in its unit where that is exact."""
    kinds = np.full(len(per_object), FLOATS, np.uint8)
    scaled = np.zeros(len(numbers))
    for kind, scale in SCALES.items():
        with np.errstate(all="ignore"):
            whole = np.rint(numbers * scale)
            exact = (whole / scale == numbers) & (np.abs(whole) <= LARGEST)
        exact &= (whole != 0) | ~np.signbit(numbers)
        fits = np.logical_and.reduceat(exact, np.cumsum(per_object) - per_object)
        fits &= kinds == FLOATS
        kinds[fits] = kind
        scaled = np.where(np.repeat(fits, per_object), whole, scaled)
        if (kinds != FLOATS).all():
            break
    return kinds, scaled


def _is_size(size: Any) -> bool:
    return isinstance(size, (list, tuple)) and len(size) == 2 and _are_small(list(size))


def _are_small(numbers: Any) -> bool:
    """Whether all are whole numbers that int32 holds."""
    return (
        isinstance(numbers, list)
        and set(map(type, numbers)) <= {int}
        and all(0 <= number <= LARGEST for number in numbers)
    )


def _plain(value: Any) -> Any:
    return value.tolist() if hasattr(value, "tolist") else list(value)
