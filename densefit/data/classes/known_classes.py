"""Targets that say which classes a partially annotated sample annotates."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from densefit.data.classes.class_map import OBJECTS, ClassMap
from densefit.data.geometry.target_kinds import KINDS, PER_OBJECT
from densefit.data.wrapped import classes_attribute
from densefit.errors import DataError

#: How classes that a dataset lacks count: as not annotated, or as absent from all its images.
LACKINGS = ("unknown", "background")


def known_name(target: str) -> str:
    """Name of the target, (K,) bool, that says which classes of `target` a sample annotates.

    Instances of an annotated class are labelled wherever they occur. Samples without this target
    annotate all classes.

    >>> known_name("classes"), known_name("mask"), known_name("room_classes")
    ('known_classes', 'known_mask_classes', 'known_room_classes')
    """
    return f"known_{classes_attribute(target)}"


def is_known(name: str) -> bool:
    """Whether a target name is one of `known_name`.

    >>> is_known("known_classes"), is_known("known_mask_classes"), is_known("classes")
    (True, True, False)
    """
    return name == known_name(OBJECTS) or (name.startswith("known_") and name.endswith("_classes"))


def known_names(names: Mapping[str, str]) -> dict[str, str]:
    """Rename the annotated-classes targets along with their targets: old name -> new name.

    >>> known_names({"mask": "room_mask"})
    {'known_mask_classes': 'known_room_mask_classes'}
    """
    return {known_name(old): known_name(new) for old, new in names.items()}


def has_known(target: str) -> bool:
    """Whether a target can have an annotated-classes target: maps and per-object targets can.

    Multi-label `labels` mark unknown classes themselves, by -1.
    """
    return target in KINDS and KINDS[target].name in ("map", *PER_OBJECT)


def known_classes(
    targets: Mapping[str, np.ndarray], count: int, where: str, target: str = "classes"
) -> np.ndarray:
    """Which classes a sample annotates, (count,) bool; all by default.

    >>> known_classes({"known_classes": np.array([True, False])}, 2, "sample 'a'")
    array([ True, False])

    Args:
        targets: the sample's targets.
        count: number of the head's classes: the whole list or its first part.
        where: sample and head, for the error.
        target: the target that holds the class indices.

    Raises:
        DataError: the target is not bool, or has fewer than `count` classes.
    """
    name = known_name(target)
    if name not in targets:
        return np.ones(count, bool)
    is_annotated = np.asarray(targets[name])
    if is_annotated.dtype != np.bool_ or is_annotated.ndim != 1 or len(is_annotated) < count:
        raise DataError(
            f"The target {name!r} does not say of each class whether it is known",
            expected=f"shape ({count},) bool",
            received=f"shape {is_annotated.shape} {is_annotated.dtype}",
            where=where,
            fix="make the head with the mixture's classes",
        )
    return is_annotated[:count].copy()


def with_known(
    targets: Mapping[str, np.ndarray],
    original: Mapping[str, np.ndarray],
    maps: Mapping[str, ClassMap],
    lacking: str,
) -> dict[str, np.ndarray]:
    """Add the annotated-classes targets to a sample's mapped targets.

    Args:
        targets: targets in common classes.
        original: the same targets in the dataset's classes.
        maps: target -> its class map.
        lacking: one of `LACKINGS`.
    """
    completed = dict(targets)
    for target, change in maps.items():
        name = known_name(target)
        if has_known(target):
            annotated = change.annotated(original.get(name))
            if lacking == "background":
                annotated |= ~change.annotated()
            if name in original or not annotated.all():
                completed[name] = annotated
        elif np.ndim(completed[target]) == 1 and lacking == "background":
            completed[target] = np.where(change.annotated(), completed[target], 0)
    return completed
