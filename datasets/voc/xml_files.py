"""Annotation files of a folder, read once: the next start takes them from a cache."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from densefit.datasets.objects.object_table import ObjectTable
from densefit.datasets.objects.table_cache import TableCache
from densefit.datasets.objects.text_column import TextColumn
from densefit.errors import DataError

from .xml import VocFile, VocObject, read_voc_xml

_LARGEST = 2**62  # pixels; int64 holds it


def read_xml_files(folder: Path, paths: Sequence[str]) -> dict[str, VocFile | DataError]:
    """Read annotation files, or take what an earlier start read of the same ones.

    Args:
        folder: that the paths are below.
        paths: of the files.

    Returns:
        Path -> content, or why it cannot be used.
    """
    if not paths:
        return {}
    cache = TableCache([folder / path for path in paths], "VOC XML", "xml", folder)
    table = cache.load()
    if table is not None:
        return dict(zip(paths, _files_of(table)))
    files = {path: _read(folder / path) for path in paths}
    if cache.is_used:
        cache.store(lambda: _table_of(files))
    return files


def _read(path: Path) -> VocFile | DataError:
    try:
        return read_voc_xml(path)
    except DataError as error:
        return error


def _table_of(files: dict[str, VocFile | DataError]) -> ObjectTable:
    """Files as a table: corners are boxes, classes are numbered as they come."""
    names: dict[str, int] = {}
    corners, starts, labels, difficult = array("d"), array("q", [0]), array("i"), array("b")
    sizes, filenames, errors = array("q"), [], {}
    for index, file in enumerate(files.values()):
        entries: tuple[VocObject, ...] = ()
        if isinstance(file, DataError):
            errors[index] = file
            filenames.append("")
            sizes.extend((0, 0))
        else:
            entries = file.objects
            filenames.append(file.filename)
            sizes.extend(min(side, _LARGEST) for side in file.size or (0, 0))
        for entry in entries:
            corners.extend(entry.corners)
            labels.append(names.setdefault(entry.name, len(names)))
            difficult.append(entry.difficult)
        starts.append(len(labels))
    count = len(labels)
    return ObjectTable(
        TextColumn.of(files),
        TextColumn.of(filenames),
        np.array(sizes, np.int64).reshape(-1, 2),
        np.array(starts, np.int64),
        np.array(corners, np.float64).reshape(-1, 4),
        np.array(labels, np.int32),
        np.array(difficult, bool),
        np.zeros(count, bool),
        np.zeros(count),
        None,
        None,
        None,
        np.zeros(len(files), bool),
        TextColumn.of([""] * len(files)),
        errors,
        meta={"names": list(names)},
    )


def _files_of(table: ObjectTable) -> list[VocFile | DataError]:
    """The files that a table was made of."""
    names = table.meta["names"]
    corners, labels = table.boxes.tolist(), table.labels.tolist()
    difficult, starts = table.difficult.tolist(), table.starts.tolist()
    entries = [
        VocObject(names[label], tuple(box), flag)
        for label, box, flag in zip(labels, corners, difficult)
    ]
    files: list[VocFile | DataError] = []
    for index, (filename, size) in enumerate(zip(table.files, table.sizes.tolist())):
        stated = (size[0], size[1]) if all(size) else None
        objects = tuple(entries[starts[index] : starts[index + 1]])
        files.append(table.errors.get(index) or VocFile(filename, stated, objects))
    return files
