"""A table that groups many labels into few classes."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from densefit.datasets.files.labels_csv import read_labels
from densefit.datasets.files.masks import IGNORE
from densefit.errors import DataError
from densefit.once import warn_once
from densefit.registry import nearest

logger = logging.getLogger(__name__)


def label_table(path: Path, labels: Sequence[str], classes: Sequence[str]) -> np.ndarray:
    """Class index of each label's number, 255 for none.

    Args:
        path: a table with the columns `label` and `class`: a name or a number of a label, from 1
            on, and the name of its class. Labels that are not in it, or have an empty class, are
            of no class.
        labels: names of the labels 1, 2, ...; 0 is no label.
        classes: names of the classes.

    Returns:
        (1 + labels,) uint8.

    Raises:
        DataError: the table is broken, or names a label or a class that is none, or a label twice.
    """
    rows = read_labels(path, "class", "label")
    numbers = {name: number for number, name in enumerate(labels, 1)}
    table = np.full(1 + len(labels), IGNORE, np.uint8)
    used: set[int] = set()
    for label, name in rows.items():
        number = numbers.get(label)
        if number is None and label.isascii() and label.isdecimal():
            number = int(label)
        if number is None or not 1 <= number <= len(labels):
            raise DataError(
                f"There is no label {label!r}",
                expected=f"a name of the file, or a number from 1 to {len(labels)}",
                where=path,
                fix=nearest(label, labels),
            )
        if number in used:
            raise DataError(
                f"The label {number}, {labels[number - 1]!r}, has two lines", where=path
            )
        if name not in classes:
            raise DataError(
                f"There is no class {name!r}",
                expected=f"one of {', '.join(classes)}",
                where=f"{path}, label {label!r}",
                fix=nearest(name, classes) or "name all classes with the setting `classes`",
            )
        used.add(number)
        table[number] = list(classes).index(name)
    if len(used) < len(labels):
        missing = [name for number, name in enumerate(labels, 1) if number not in used]
        warn_once(
            logger,
            "%s: %d of %d labels are of no class: %s",
            *(path, len(missing), len(labels), ", ".join(missing[:5])),
        )
    return table
