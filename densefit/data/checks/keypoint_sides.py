"""Which keypoints are at the left and at the right, by their names."""

from __future__ import annotations

import logging
import multiprocessing
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from densefit.data.geometry.keypoints import swap_order
from densefit.data.wrapped import attribute_of
from densefit.errors import ConfigError
from densefit.once import first_time
from densefit.registry import nearest

_log = logging.getLogger("densefit")

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z]*|[a-z]+|\d+|[^\W\d_A-Za-z]+")
_SIDES = {"left": 0, "right": 1}
_LETTERS = {"l": 0, "r": 1}  # a side only if there is a counterpart
_GLUED = {"left": 0, "right": 1, "左": 0, "右": 1}

Key = tuple[object, ...]


def order_of(dataset: Any) -> np.ndarray | None:
    """Which keypoint each one of a dataset is in a mirrored picture, (K,) int64, by its names.

    By its `flip_pairs`, pairs of names, if it has any; else by the sides in its `keypoint_names`.
    None where these tell nothing, or not all.

    >>> class Faces: keypoint_names = ["mouth", "eye_left", "eye_right"]
    >>> order_of(Faces()).tolist()
    [0, 2, 1]

    Raises:
        ConfigError: one of `flip_pairs` is no pair of its keypoints.
    """
    names = attribute_of(dataset, "keypoint_names")
    if not names:
        return None
    pairs = attribute_of(dataset, "flip_pairs")
    given = None if pairs is None else tuple(tuple(map(str, pair)) for pair in pairs)
    return _order(tuple(map(str, names)), given, type(dataset).__name__)


@lru_cache(maxsize=64)
def _order(
    names: tuple[str, ...],
    pairs: tuple[tuple[str, ...], ...] | None,
    where: str,
) -> np.ndarray | None:
    if len(set(names)) < len(names):
        return None
    if pairs is None:
        found, alone = side_pairs(names)
        if alone or not found:
            return None
        if multiprocessing.parent_process() is None:  # workers are many
            log_pairs(found, f"dataset {where}")
        pairs = tuple(map(tuple, found))
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
    order.flags.writeable = False  # it is in many samples
    return order


def side_pairs(names: Sequence[str]) -> tuple[list[list[str]], list[str]]:
    """Pairs of names that change places in a mirrored picture, and those whose other side lacks.

    A side is a word of the name: left, right, l or r, at any place, in any spelling of words; or
    the beginning or end of a word, if there is the counterpart. Where a name has two sides (the
    left corner of the right eye), both change.

    >>> side_pairs(["nose", "eye_left", "eye_right", "LEar", "REar", "left_hip"])
    ([['eye_left', 'eye_right'], ['LEar', 'REar']], ['left_hip'])

    Args:
        names: of keypoints, all different.

    Returns:
        [left, right] in the order in which either comes first, and the names that have the word
        left or right and no counterpart, or several.
    """
    keys = {name: _readings(name) for name in names}
    places: dict[Key, list[str]] = {}
    for name, readings in keys.items():
        for key, _ in readings:
            places.setdefault(key, []).append(name)
    pairs: list[list[str]] = []
    paired: set[str] = set()
    for name, readings in keys.items():
        if name in paired:
            continue
        for key, mirrored in readings:
            others = [other for other in places.get(mirrored, []) if other != name]
            if len(others) == len(places[key]) == 1 and others[0] not in paired:
                pairs.append([name, others[0]] if _first(key) == 0 else [others[0], name])
                paired.update((name, others[0]))
                break
    alone = [
        name
        for name in names
        if name not in paired and any(word.lower() in _SIDES for word in _WORD.findall(name))
    ]
    return pairs, alone


def log_pairs(pairs: Sequence[Sequence[str]], where: object) -> None:
    """Log once which pairs were found, where their names are not those of COCO's kind."""
    text = ", ".join(f"{left} - {right}" for left, right in pairs)
    plain = all(left.startswith("left_") and right == f"right_{left[5:]}" for left, right in pairs)
    if not plain and first_time("keypoint sides", text):
        _log.warning(
            "keypoints that change places in a mirrored picture, by their names: %s (%s). If that "
            "is wrong, say with `flip_pairs` which do ([] for none)",
            text,
            where,
        )


def _readings(name: str) -> list[tuple[Key, Key]]:
    """What a name may mean: (sides and rest, the same with the sides changed), surest first."""
    words = [word.lower() for word in _WORD.findall(name)]
    found = []
    for letters in (False, True):
        known = {**_SIDES, **_LETTERS} if letters else _SIDES
        sides = [known.get(word, -1) for word in words]
        if max(sides, default=-1) >= 0 and (min(sides) < 0 or not letters):
            found.append((_key(words, sides), _key(words, [_other(side) for side in sides])))
    for place, word in enumerate(words):
        for glued, side in _GLUED.items():
            rest = word[len(glued) :] if word.startswith(glued) else word[: -len(glued)]
            if rest and glued in (word[: len(glued)], word[-len(glued) :]):
                split = [*words[:place], glued, rest, *words[place + 1 :]]
                sides = [-1] * len(split)
                sides[place] = side
                found.append((_key(split, sides), _key(split, [_other(one) for one in sides])))
    return list(dict.fromkeys(found))


def _key(words: Sequence[str], sides: Sequence[int]) -> Key:
    """The same for names that differ in spelling only; where one word is a side, wherever it is."""
    rest = [word for word, side in zip(words, sides) if side < 0]
    told = [side for side in sides if side >= 0]
    if len(told) == 1:
        return (told[0], *rest)
    return tuple(word if side < 0 else side for word, side in zip(words, sides))


def _other(side: int) -> int:
    return side if side < 0 else 1 - side


def _first(key: Key) -> int:
    return next(part for part in key if isinstance(part, int))
