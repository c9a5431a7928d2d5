"""Boxes and the targets that belong to them, of which a sample may have several sets.

The boxes of a sample are `boxes`, with `classes`, `crowd`, `instances`...; those of a second set
have other names, such as `room_boxes`, with `room_classes`, `room_crowd`... Transforms find what
belongs to boxes by the declared kinds (`Kind.boxes`, `Kind.role`), never by fixed names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import numpy as np

from densefit.data.geometry.target_kinds import KINDS, MEMBERS, PER_OBJECT, declare_target
from densefit.errors import DataError

BOXES = "boxes"


def member_name(boxes: str, role: str) -> str:
    """Name of a target that belongs to boxes.

    >>> member_name("boxes", "crowd"), member_name("room_boxes", "crowd")
    ('crowd', 'room_crowd')
    >>> member_name("frames", "classes"), member_name("room_boxes", "known_classes")
    ('frames_classes', 'known_room_classes')

    Args:
        boxes: name of the boxes.
        role: one of `MEMBERS`.
    """
    if boxes == BOXES:
        return role
    stem = boxes.removesuffix("_" + BOXES)
    if role == "known_classes":
        return f"known_{stem}_classes"
    return f"{stem}_{role}"


def member_names(boxes: str) -> dict[str, str]:
    """Names of boxes and of all that can belong to them: standard name -> name."""
    return {BOXES: boxes, **{role: member_name(boxes, role) for role in MEMBERS}}


def declare_boxes(boxes: str) -> None:
    """Declare further boxes, and all that can belong to them, to the transforms.

    >>> declare_boxes("plate_boxes")
    >>> KINDS["plate_crowd"].boxes
    'plate_boxes'

    Args:
        boxes: their name, such as "plate_boxes"; see `member_name` for what belongs to them.

    Raises:
        ConfigError: one of the names is already declared differently.
    """
    if boxes == BOXES:
        return
    declare_target(boxes, "boxes")
    for role, kind in MEMBERS.items():
        flip = member_name(boxes, kind.flip) if kind.flip else ""
        declare_target(member_name(boxes, role), kind.name, kind.fill, flip, boxes, role)


def box_names(targets: Iterable[str]) -> list[str]:
    """Names of the boxes among targets."""
    return [name for name in targets if name in KINDS and KINDS[name].name == "boxes"]


def boxes_of(name: str, targets: Collection[str], where: str) -> str | None:
    """Name of the boxes that a target belongs to; None if the sample has none for it.

    Args:
        name: the target.
        targets: names of the sample's targets.
        where: the sample, for the error.

    Raises:
        DataError: a target that names no boxes, in a sample with several.
    """
    declared = KINDS[name].boxes if name in KINDS else ""
    if declared in targets:
        return declared
    if declared not in ("", BOXES) and name == member_name(declared, KINDS[name].role):
        return None  # it cannot belong to others
    present = box_names(targets)
    if len(present) < 2:
        return present[0] if present else None
    if declared:
        return None
    kind = KINDS[name].name if name in KINDS else "per_box"
    raise DataError(
        f"The target {name!r} does not say which boxes it belongs to",
        expected=f"one of {', '.join(present)}",
        where=where,
        fix=f"declare_target({name!r}, {kind!r}, boxes={present[0]!r})",
    )


def row_owners(targets: Collection[str], where: str) -> dict[str, str | None]:
    """Target with a row for each box -> name of these boxes; None if the sample has none for it.

    Args:
        targets: names of the sample's targets.
        where: the sample, for errors.
    """
    return {
        name: name if KINDS[name].name == BOXES else boxes_of(name, targets, where)
        for name in targets
        if name in KINDS and KINDS[name].name in PER_OBJECT
    }


def member(targets: Collection[str], boxes: str, role: str) -> str | None:
    """Name of the target with a role for boxes; None if there is none.

    Args:
        targets: names of the sample's targets.
        boxes: name of the boxes.
        role: one of `MEMBERS`.
    """
    usual = member_name(boxes, role)
    for name in (usual, *targets):
        if name in targets and name in KINDS and KINDS[name].role == role:
            if boxes_of(name, targets, "") == boxes:
                return name
    return None


def under_standard_names(targets: Mapping[str, np.ndarray], boxes: str) -> dict[str, np.ndarray]:
    """Add the standard names to boxes and what belongs to them, for a head that reads these.

    What has the standard names before belongs to other boxes, and is left out.

    >>> sorted(under_standard_names({"room_boxes": 1, "boxes": 2, "crowd": 3}, "room_boxes"))
    ['boxes', 'room_boxes']

    Args:
        targets: a sample's targets.
        boxes: name of the boxes.
    """
    if boxes == BOXES:
        return dict(targets)
    standard = {BOXES, *MEMBERS}
    result = {name: value for name, value in targets.items() if name not in standard}
    for role, name in member_names(boxes).items():
        if name in targets:
            result[role] = targets[name]
    return result
