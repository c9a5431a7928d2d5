"""New names of what belongs to renamed boxes."""

from __future__ import annotations

from collections.abc import Mapping

from densefit.data.geometry.box_members import box_names, member_name
from densefit.data.geometry.target_kinds import MEMBERS


def with_members(names: Mapping[str, str]) -> dict[str, str]:
    """Rename what belongs to boxes along with them, unless it is named.

    Boxes with the classes or crowds of other boxes would be other objects.

    >>> names = with_members({"boxes": "room_boxes", "classes": "furniture"})
    >>> names["boxes"], names["classes"], names["difficult"]
    ('room_boxes', 'furniture', 'room_difficult')
    """
    result = dict(names)
    for boxes in box_names(names):
        for role in MEMBERS:
            if role != "known_classes":  # goes with the classes, see `known_names`
                new = member_name(names[boxes], role)
                result.setdefault(member_name(boxes, role), new)
    return result
