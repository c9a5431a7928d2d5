"""Class and keypoint names of heads and datasets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from densefit.data.classes.class_map import CLASS_TARGETS, OBJECTS
from densefit.data.geometry.target_kinds import KINDS
from densefit.data.wrapped import attribute_of, classes_attribute, points_attribute

#: The dataset attribute that names its keypoints.
POINT_NAMES = "keypoint_names"


class Numbered(list[str]):
    """Class indices in place of names: the head was built with a class count alone."""


def is_points(target: str) -> bool:
    """Whether a target holds keypoints: names belong to its second axis, not to its values."""
    return target in KINDS and KINDS[target].name == "keypoints"


def are_numbers(names: Sequence[str]) -> bool:
    """Whether the names are placeholders: "0", "1", "2"...

    >>> are_numbers(["0", "1"]), are_numbers(["1", "0"]), are_numbers(["cat"])
    (True, False, False)
    """
    return list(names) == [str(k) for k in range(len(names))]


def head_lists(head: Any) -> dict[str, list[str]]:
    """Class and keypoint names of a head: target -> names in the order of the indices.

    A head that was built with a class count alone has the names of the dataset that trained it, if
    any, followed by the indices that are still unnamed.
    """
    class_lists = getattr(head, "class_lists", None)
    lists: dict[str, list[str]] = class_lists() if callable(class_lists) else {}
    learned: Mapping[str, Sequence[str]] = getattr(head, "learned_names", {})
    return {target: with_learned(names, learned.get(target)) for target, names in lists.items()}


def with_learned(names: list[str], learned: Sequence[str] | None) -> list[str]:
    """Replace placeholder names by learned ones; real `names` stay.

    >>> with_learned(Numbered(["0", "1", "2"]), ["cat", "dog"])
    ['cat', 'dog', '2']
    """
    if learned is None or not are_numbers(names):
        return names
    return Numbered([*learned, *names[len(learned) :]])


def dataset_list(dataset: Any, target: str) -> list[str] | None:
    """Class names of a dataset's target, or None.

    Read from `<target>_classes` (`room_classes` of `room_classes`), else `classes`; for keypoints
    from `keypoint_names`, for `room_keypoints` from `room_keypoint_names`. A wrapper without the
    attribute has the names of the dataset that it wraps.
    """
    if is_points(target):
        return _names(attribute_of(dataset, points_attribute(target)))
    names = _names(attribute_of(dataset, classes_attribute(target)))
    return _names(attribute_of(dataset, "classes")) if names is None else names


def class_targets(*datasets: Any) -> list[str]:
    """Targets that hold classes: the usual ones, and the classes of further boxes.

    Further boxes are declared (`declare_boxes`), and a dataset lists their classes.
    """
    further = [
        name
        for name, kind in KINDS.items()
        if kind.role == OBJECTS
        and name not in CLASS_TARGETS
        and any(attribute_of(dataset, classes_attribute(name)) is not None for dataset in datasets)
    ]
    return [*CLASS_TARGETS, *further]


def is_from_classes(dataset: Any, target: str) -> bool:
    """Whether a target's names come from `classes`, which may name the objects instead."""
    if target == OBJECTS or is_points(target):
        return False
    return _names(attribute_of(dataset, classes_attribute(target))) is None


def _names(value: Any) -> list[str] | None:
    """Names from a dataset's attribute; None unless it is a non-empty sequence."""
    if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__") or not len(value):
        return None
    return [str(name) for name in value]


def spelled_alike(names: Sequence[str]) -> list[list[str]]:
    """Group names that differ only in case, blanks, hyphens and underscores.

    >>> spelled_alike(["Raccoon", "dog", "raccoon", "traffic light", "traffic_light"])
    [['Raccoon', 'raccoon'], ['traffic light', 'traffic_light']]
    """
    groups: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        plain = " ".join(name.casefold().replace("_", " ").replace("-", " ").split())
        groups.setdefault(plain, []).append(name)
    return [group for group in groups.values() if len(group) > 1]
