"""What the annotations of a VOC folder tell about how they are to be read."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from math import isfinite
from pathlib import Path

from densefit.datasets.files.names import class_index
from densefit.once import warn_once

from .xml import VocObject

logger = logging.getLogger(__name__)

Objects = Mapping[Path, Sequence[VocObject]]


def check_class_names(dataset: object, objects: Objects, classes: Sequence[str]) -> None:
    """Warn of names in the files that are no class.

    Args:
        dataset: for the message.
        objects: of each file.
        classes: the names that are known.

    Raises:
        DataError: one is spelt like a class that no file has, or no file has any class.
    """
    names = {entry.name for entries in objects.values() for entry in entries}
    unknown, unseen = sorted(names.difference(classes)), set(classes) - names
    for name in unknown:
        if not _is_close(name, unseen) and names.intersection(classes):
            continue
        path = next(
            p for p, entries in objects.items() if any(entry.name == name for entry in entries)
        )
        class_index(name, classes, path)  # raises
    if unknown:
        warn_once(
            logger,
            "%s: objects of %d names are of no class, and their pictures are errors when they "
            "are read: %s",
            *(dataset, len(unknown), ", ".join(unknown[:10])),
        )


def warn_of_zero_based(dataset: object, objects: Objects) -> None:
    """Warn, once a dataset, of corners that do not name pixels which count from 1.

    Args:
        dataset: for the message.
        objects: of each file.
    """
    zero_based = [
        (path, entry.corners)
        for path, entries in objects.items()
        for entry in entries
        if _is_zero_based(entry.corners)
    ]
    if zero_based:
        path, corners = zero_based[0]
        warn_once(
            logger,
            "%s: %d of %d boxes have a corner at 0 or at a fraction of a pixel, the first in "
            "%s: %s. They are read as VOC has them, from 1 on; if the files count from 0, all "
            "boxes are a pixel off: one_based=False",
            *(dataset, len(zero_based), sum(map(len, objects.values())), path, corners),
        )


def _is_close(name: str, names: set[str]) -> bool:
    return bool(get_close_matches(name.lower(), [entry.lower() for entry in names], n=1))


def _is_zero_based(corners: tuple[float, float, float, float]) -> bool:
    """Whether corners are none of pixels that count from 1."""
    xmin, ymin, xmax, ymax = corners
    whole = xmin % 1 == ymin % 1 == xmax % 1 == ymax % 1 == 0
    # Nan and infinities are bad boxes, and told as such; so are corners left of the picture.
    return (not whole and isfinite(sum(corners))) or min(xmin, ymin) == 0
