"""Find pairs of left and right keypoints by their names."""

from __future__ import annotations

import logging
import multiprocessing
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from densefit.data.geometry.keypoints import swap_order
from densefit.data.wrapped import attribute_of, points_attribute
from densefit.errors import ConfigError
from densefit.once import first_time
from densefit.registry import nearest

_log = logging.getLogger("densefit")

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z]*|[a-z]+|\d+|[^\W\d_A-Za-z]+")
_SIDES = {"left": 0, "right": 1}
_LETTERS = {"l": 0, "r": 1}  # a side only if there is a counterpart
_GLUED = {"left": 0, "right": 1, "左": 0, "右": 1}

Key = tuple[object, ...]


def order_of(dataset: Any, target: str = "keypoints") -> np.ndarray | None:
    """Index of each keypoint of a dataset in a flipped image, (K,) int64.

    From the dataset's `flip_pairs`, pairs of names, if it has any; else from the sides in its
    `keypoint_names`. None if the names do not determine all pairs. Another target,
    `room_keypoints`, has `room_keypoint_names` and `room_flip_pairs`.

    >>> class Faces: keypoint_names = ["mouth", "eye_left", "eye_right"]
    >>> order_of(Faces()).tolist()
    [0, 2, 1]

    Raises:
        ConfigError: one of `flip_pairs` is not a pair of the dataset's keypoints.
    """
    attribute = points_attribute(target)
    names = attribute_of(dataset, attribute)
    if not names:
        return None
    pairs = attribute_of(dataset, attribute.removesuffix("keypoint_names") + "flip_pairs")
    flip_pairs = None if pairs is None else tuple(tuple(map(str, pair)) for pair in pairs)
    return _order(tuple(map(str, names)), flip_pairs, type(dataset).__name__)


@lru_cache(maxsize=64)
def _order(
    names: tuple[str, ...],
    pairs: tuple[tuple[str, ...], ...] | None,
    where: str,
) -> np.ndarray | None:
    if len(set(names)) < len(names):
        return None
    if pairs is None:
        pairs_by_name, alone = side_pairs(names)
        if alone or not pairs_by_name:
            return None
        if multiprocessing.parent_process() is None:  # log in the main process only
            log_pairs(pairs_by_name, f"dataset {where}")
        pairs = tuple(map(tuple, pairs_by_name))
    for pair in pairs:
        strange = [name for name in pair if name not in names]
        if strange or len(pair) != 2:
            raise ConfigError(
                "One of `flip_pairs` is no pair of keypoints",
                expected=f"two of {', '.join(names)}",
                received=list(pair),
                where=f"dataset {where}",
                fix=nearest(strange[0], names) if strange else None,
            )
    order = swap_order(len(names), [[names.index(name) for name in pair] for pair in pairs])
    order.flags.writeable = False  # shared by many samples
    return order


def side_pairs(names: Sequence[str]) -> tuple[list[list[str]], list[str]]:
    """Find pairs of names that swap in a flipped image, and names without a counterpart.

    A side is a word of the name: left, right, l or r, at any position, in any case or separator
    style; or a prefix or suffix of a word, if the counterpart exists. If a name has two sides (the
    left corner of the right eye), both are swapped.

    >>> side_pairs(["nose", "eye_left", "eye_right", "LEar", "REar", "left_hip"])
    ([['eye_left', 'eye_right'], ['LEar', 'REar']], ['left_hip'])

    Args:
        names: names of keypoints, all different.

    Returns:
        [left, right] pairs in the order of their first name, and the names that contain left or
        right but have no counterpart, or several.
    """
    keys = {name: _readings(name) for name in names}
    names_by_key: dict[Key, list[str]] = {}
    for name, readings in keys.items():
        for key, _ in readings:
            names_by_key.setdefault(key, []).append(name)
    pairs: list[list[str]] = []
    paired: set[str] = set()
    for name, readings in keys.items():
        if name in paired:
            continue
        for key, flipped in readings:
            counterparts = [other for other in names_by_key.get(flipped, []) if other != name]
            if len(counterparts) == len(names_by_key[key]) == 1 and counterparts[0] not in paired:
                pairs.append(
                    [name, counterparts[0]] if _first(key) == 0 else [counterparts[0], name]
                )
                paired.update((name, counterparts[0]))
                break
    alone = [
        name
        for name in names
        if name not in paired and any(word.lower() in _SIDES for word in _WORD.findall(name))
    ]
    return pairs, alone


def log_pairs(pairs: Sequence[Sequence[str]], where: object) -> None:
    """Log the pairs once, unless they are named like COCO's (left_*, right_*)."""
    text = ", ".join(f"{left} - {right}" for left, right in pairs)
    plain = all(left.startswith("left_") and right == f"right_{left[5:]}" for left, right in pairs)
    if not plain and first_time("keypoint sides", text):
        _log.warning(
            "keypoints that change places in a mirrored image, by their names: %s (%s). If that "
            "is wrong, say with `flip_pairs` which do ([] for none)",
            text,
            where,
        )


def _readings(name: str) -> list[tuple[Key, Key]]:
    """Possible readings of a name, surest first: (key, key with swapped sides)."""
    words = [word.lower() for word in _WORD.findall(name)]
    readings = []
    for letters in (False, True):
        side_words = {**_SIDES, **_LETTERS} if letters else _SIDES
        sides = [side_words.get(word, -1) for word in words]
        if max(sides, default=-1) >= 0 and (min(sides) < 0 or not letters):
            readings.append((_key(words, sides), _key(words, [_other(side) for side in sides])))
    for index, word in enumerate(words):
        for glued, side in _GLUED.items():
            rest = word[len(glued) :] if word.startswith(glued) else word[: -len(glued)]
            if rest and glued in (word[: len(glued)], word[-len(glued) :]):
                split = [*words[:index], glued, rest, *words[index + 1 :]]
                sides = [-1] * len(split)
                sides[index] = side
                readings.append(
                    (_key(split, sides), _key(split, [_other(other) for other in sides]))
                )
    return list(dict.fromkeys(readings))


def _key(words: Sequence[str], sides: Sequence[int]) -> Key:
    """Key of a name, independent of spelling; a single side word may stand anywhere."""
    rest = [word for word, side in zip(words, sides) if side < 0]
    known_sides = [side for side in sides if side >= 0]
    if len(known_sides) == 1:
        return (known_sides[0], *rest)
    return tuple(word if side < 0 else side for word, side in zip(words, sides))


def _other(side: int) -> int:
    return side if side < 0 else 1 - side


def _first(key: Key) -> int:
    return next(part for part in key if isinstance(part, int))
