"""The category of Roboflow's COCO files that is no class."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from densefit.once import warn_once

logger = logging.getLogger(__name__)


def without_group(content: Mapping[str, Any], where: object) -> list[dict[str, Any]]:
    """The categories without the one that names the group of all others and has no annotations.

    >>> rows = [{"id": 0, "name": "cells", "supercategory": "none"},
    ...         {"id": 1, "name": "rbc", "supercategory": "cells"}]
    >>> without_group({"categories": rows, "annotations": []}, "a.json") == rows[1:]
    True

    Args:
        content: of a file; ids of the categories are read, names are texts.
        where: the file, for the warning.
    """
    categories: list[dict[str, Any]] = content["categories"]
    for row in categories:
        members = [other for other in categories if other is not row]
        if members and all(member.get("supercategory") == row["name"] for member in members):
            ids = (row["id"], str(row["id"]))
            if any(entry.get("category_id") in ids for entry in content["annotations"]):
                return categories
            warn_once(
                logger,
                "%s: the category %r has no annotations and is the group of all others: it is no "
                "class (keep it with `classes`)",
                *(where, row["name"]),
            )
            return members
    return categories
