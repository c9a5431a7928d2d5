"""Names of the numbers in targets, as a head has them and as a dataset has them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from densefit.data.classes.class_map import OBJECTS
from densefit.data.geometry.target_kinds import KINDS
from densefit.data.wrapped import attribute_of

#: Where a dataset has the names of the keypoints of a target of that kind.
POINT_NAMES = "keypoint_names"


class Numbered(list[str]):
    """Numbers in place of names: the classes of a head that was made with their number alone."""


def is_points(target: str) -> bool:
    """Whether a target's second axis, and not its numbers, has names: keypoints."""
    return target in KINDS and KINDS[target].name == "keypoints"


def are_numbers(names: Sequence[str]) -> bool:
    """Whether these are no names but 0, 1, 2...

    >>> are_numbers(["0", "1"]), are_numbers(["1", "0"]), are_numbers(["cat"])
    (True, False, False)
    """
    return list(names) == [str(k) for k in range(len(names))]


def head_lists(head: Any) -> dict[str, list[str]]:
    """Target -> the names of a head's numbers, and its keypoints' names.

    Where a head was made with a number alone, those that it has learned of the dataset that trained
    it, if there are any; behind them come numbers that no class has had yet.
    """
    says = getattr(head, "class_lists", None)
    found: dict[str, list[str]] = says() if callable(says) else {}
    learned: Mapping[str, Sequence[str]] = getattr(head, "learned_names", {})
    return {target: with_learned(names, learned.get(target)) for target, names in found.items()}


def with_learned(names: list[str], learned: Sequence[str] | None) -> list[str]:
    """Names in place of a head's numbers; `names` where it has names of its own.

    >>> with_learned(Numbered(["0", "1", "2"]), ["cat", "dog"])
    ['cat', 'dog', '2']
    """
    if learned is None or not are_numbers(names):
        return names
    return Numbered([*learned, *names[len(learned) :]])


def dataset_list(dataset: Any, target: str) -> list[str] | None:
    """The names of a target's numbers as a dataset has them; None if it has none.

    `<target>_classes`, else `classes`; of keypoints `keypoint_names`. Where it has none, those of
    the dataset that it wraps, if it wraps one.
    """
    if is_points(target):
        return _names(attribute_of(dataset, POINT_NAMES))
    own = _names(attribute_of(dataset, f"{target}_classes"))
    return _names(attribute_of(dataset, "classes")) if own is None else own


def is_from_classes(dataset: Any, target: str) -> bool:
    """Whether the names are those of `classes`, which may be the objects' and not the target's."""
    if target == OBJECTS or is_points(target):
        return False
    return _names(attribute_of(dataset, f"{target}_classes")) is None


def _names(given: Any) -> list[str] | None:
    """Names out of an attribute that anybody may have written."""
    if isinstance(given, (str, bytes)) or not hasattr(given, "__iter__") or not len(given):
        return None
    return [str(name) for name in given]


def spelled_alike(names: Sequence[str]) -> list[list[str]]:
    """Names that differ in capitals, blanks, hyphens and underscores only.

    >>> spelled_alike(["Raccoon", "dog", "raccoon", "traffic light", "traffic_light"])
    [['Raccoon', 'raccoon'], ['traffic light', 'traffic_light']]
    """
    groups: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        plain = " ".join(name.casefold().replace("_", " ").replace("-", " ").split())
        groups.setdefault(plain, []).append(name)
    return [group for group in groups.values() if len(group) > 1]
