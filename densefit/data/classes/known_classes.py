"""Which classes a sample's annotations tell of, where they do not tell of all."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from densefit.data.classes.class_map import OBJECTS, ClassMap
from densefit.data.geometry.target_kinds import KINDS, PER_OBJECT
from densefit.errors import DataError

#: What a dataset tells of classes that it does not have: nothing, or that it shows none of them.
LACKINGS = ("unknown", "background")


def known_name(target: str) -> str:
    """The target, (K,) bool over a target's classes, that says which of them a sample tells of.

    Where a sample has it, it would show those that it knows if they were there. Without it, all.

    >>> known_name("classes"), known_name("mask"), known_name("room_mask")
    ('known_classes', 'known_mask_classes', 'known_room_mask_classes')
    """
    return "known_classes" if target == OBJECTS else f"known_{target}_classes"


def is_known(name: str) -> bool:
    """Whether it is the name of such a target.

    >>> is_known("known_classes"), is_known("known_mask_classes"), is_known("classes")
    (True, True, False)
    """
    return name == known_name(OBJECTS) or (name.startswith("known_") and name.endswith("_classes"))


def known_names(names: Mapping[str, str]) -> dict[str, str]:
    """What becomes of these names where targets are renamed: own -> new.

    >>> known_names({"mask": "room_mask"})
    {'known_mask_classes': 'known_room_mask_classes'}
    """
    return {known_name(old): known_name(new) for old, new in names.items()}


def has_known(target: str) -> bool:
    """Whether it has such a target: maps and classes of objects have; `labels` say it themselves.

    Of a class that a sample does not know, a picture's `label` says nothing.
    """
    return target in KINDS and KINDS[target].name in ("map", *PER_OBJECT)


def known_classes(
    targets: Mapping[str, np.ndarray], count: int, where: str, target: str = "classes"
) -> np.ndarray:
    """(count,) bool: of which classes a sample's annotations tell; of all by default.

    >>> known_classes({"known_classes": np.array([True, False])}, 2, "sample 'a'")
    array([ True, False])

    Args:
        targets: of the sample.
        count: classes of the head: all of the list, or the first of them.
        where: sample and head, for the error.
        target: whose numbers the classes are.

    Raises:
        DataError: it does not tell of that many.
    """
    name = known_name(target)
    if name not in targets:
        return np.ones(count, bool)
    known = np.asarray(targets[name])
    if known.dtype != np.bool_ or known.ndim != 1 or len(known) < count:
        raise DataError(
            f"The target {name!r} does not say of each class whether it is known",
            expected=f"shape ({count},) bool",
            received=f"shape {known.shape} {known.dtype}",
            where=where,
            fix="make the head with the mixture's classes",
        )
    return known[:count].copy()


def with_known(
    targets: Mapping[str, np.ndarray],
    own: Mapping[str, np.ndarray],
    maps: Mapping[str, ClassMap],
    lacking: str,
) -> dict[str, np.ndarray]:
    """A sample's targets in common classes, and which of these they do not tell of.

    Args:
        targets: in common classes already.
        own: the same as its dataset gave them, under the same names.
        maps: target -> how its numbers changed.
        lacking: one of `LACKINGS`.
    """
    found = dict(targets)
    for target, change in maps.items():
        name = known_name(target)
        if has_known(target):
            known = change.known(own.get(name))
            if lacking == "background":
                known |= ~change.known()
            if name in own or not known.all():
                found[name] = known
        elif np.ndim(found[target]) == 1 and lacking == "background":
            found[target] = np.where(change.known(), found[target], 0)
    return found
