"""A warning of listed files that are not there, by one look into each folder."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from pathlib import Path

from densefit.errors import DataError
from densefit.once import warn_once

from .paths import Name

logger = logging.getLogger(__name__)


def warn_of_absent(dataset: object, names: Sequence[Name], folder: Path, what: str) -> None:
    """Warn, once a dataset, of files that are listed and not there.

    Args:
        dataset: for the message.
        names: paths below the folder; those that are errors are told elsewhere.
        folder: where they should be.
        what: they are: "pictures".
    """
    present: dict[str, frozenset[str]] = {}
    absent: list[str] = []
    for name in names:
        if isinstance(name, DataError):
            continue
        below, file = os.path.split(name)
        if below not in present:
            present[below] = files_in(folder / below)
        if file not in present[below]:
            absent.append(name)
    # Some disks take a name in small and capital letters, or in another form of its accents.
    if not absent or (folder / absent[0]).exists():
        return
    warn_once(
        logger,
        "%s: %d of %d %s are not in %s, the first: %s. Each is an error when it is read; take "
        "them out of the list, or skip them with on_error='skip'",
        *(dataset, len(absent), len(names), what, folder, ", ".join(absent[:3])),
    )


def files_in(folder: Path) -> frozenset[str]:
    """Names of what is in a folder; none if it cannot be read."""
    try:
        return frozenset(os.listdir(folder))
    except OSError:
        return frozenset()
