"""The category of Roboflow's COCO files that is no class."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from densefit.once import warn_once

logger = logging.getLogger(__name__)


def group_of(categories: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The category that names the group of all others; None if there is none.

    >>> rows = [{"id": 0, "name": "cells", "supercategory": "none"},
    ...         {"id": 1, "name": "rbc", "supercategory": "cells"}]
    >>> group_of(rows)["name"]
    'cells'

    Args:
        categories: of a file; ids are read, names are texts.
    """
    for row in categories:
        members = [other for other in categories if other is not row]
        if members and all(member.get("supercategory") == row["name"] for member in members):
            return row
    return None


def warn_of_group(name: str, where: object) -> None:
    """Warn that a category is no class.

    Args:
        name: of the category.
        where: its file.
    """
    warn_once(
        logger,
        "%s: the category %r has no annotations and is the group of all others: it is no class "
        "(keep it with `classes`)",
        *(where, name),
    )
