"""Keypoints of COCO files: what they are called, how they hang together, where they are.

The format is https://cocodataset.org/#format-data, section "Keypoint Detection": a category names
its keypoints and joins them to limbs, an annotation has x, y, v of each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.data.checks.keypoint_sides import log_pairs, side_pairs
from densefit.datasets.files.names import class_index
from densefit.datasets.objects.skeleton import Skeleton as Skeleton
from densefit.errors import DataError

Pairs = Sequence[Sequence[str]] | None


def read_skeleton(
    categories: Sequence[Mapping[str, Any]], flip_pairs: Pairs, where: object
) -> Skeleton:
    """What the kept categories say about their keypoints; those without any do not count.

    Args:
        categories: of the file.
        flip_pairs: names that change places in a mirrored picture. None: those that have a left
            and a right, see `side_pairs`.
        where: for errors.

    Raises:
        DataError: no category has keypoints, two have different ones, a limb joins what is not
            there, or a keypoint to the left has none to the right.
    """
    having = [entry for entry in categories if entry.get("keypoints")]
    _check_lists(having, where)
    kinds = {tuple(map(str, entry["keypoints"])) for entry in having}
    if len(kinds) != 1:
        raise DataError(
            "The kept categories have different keypoints"
            if kinds
            else "No category has keypoints",
            expected="one list of keypoint names",
            received={entry["name"]: entry.get("keypoints") for entry in categories},
            where=where,
            fix="keep some of them with `classes`"
            if kinds
            else "COCO's are in person_keypoints_*.json; other files: leave out keypoints=True",
        )
    names = list(kinds.pop())
    if len(set(names)) < len(names):
        raise DataError("Keypoints have the same name", received=names, where=where)
    ends = having[0].get("skeleton") or []
    limbs = []
    for pair in ends:
        if len(pair) != 2 or not all(isinstance(i, int) and 0 < i <= len(names) for i in pair):
            raise DataError(
                "A limb of the skeleton does not join two keypoints",
                expected=f"two numbers from 1 to {len(names)}",
                received=pair,
                where=where,
            )
        limbs.append([names[i - 1] for i in pair])
    return Skeleton(names, limbs, _pairs(names, flip_pairs, where))


def _pairs(names: list[str], flips: Pairs, where: object) -> list[list[str]]:
    if flips is None:
        flips, alone = side_pairs(names)
        if alone:
            raise DataError(
                "A keypoint has no counterpart at the other side",
                expected="left_x and right_x for each x, or neither",
                received=", ".join(sorted(alone)),
                where=where,
                fix="say with `flip_pairs` which keypoints change places in a mirrored picture",
            )
        log_pairs(flips, where)
    pairs = [list(pair) for pair in flips]
    flat = [name for pair in pairs for name in pair]
    for name in flat:
        class_index(name, names, f"flip_pairs of {where}")
    if any(len(pair) != 2 for pair in pairs) or len(set(flat)) < len(flat):
        raise DataError(
            "Flip pairs are pairs of keypoints, each keypoint in one at most",
            received=pairs,
            where=where,
        )
    return pairs


def _check_lists(categories: Sequence[Mapping[str, Any]], where: object) -> None:
    """Raise DataError unless keypoints are names, and the skeleton is of lists."""
    for entry in categories:
        names, limbs = entry["keypoints"], entry.get("skeleton") or []
        if (
            not isinstance(names, list)
            or not all(isinstance(name, (str, int)) for name in names)
            or not isinstance(limbs, list)
            or not all(isinstance(limb, list) for limb in limbs)
        ):
            raise DataError(
                "The keypoints of a category are not usable",
                expected='"keypoints": [name, ...], and "skeleton": [[1, 2], ...]',
                received=f"{names!r:.80}, {limbs!r:.80}",
                where=f"{where}, category {entry['name']!r}",
            )


def read_points(
    annotation: Mapping[str, Any], count: int, size: tuple[int, int], where: object
) -> np.ndarray:
    """(count, 3) float32 x, y and visibility of an annotation; all 0 if it has no keypoints.

    COCO's places are indices of pixels, ours are continuous: half a pixel is added. What is not
    labelled (visibility 0) or lies outside of the picture is 0, 0, 0.

    Args:
        annotation: with or without "keypoints".
        count: how many there must be.
        size: (height, width) of the picture.
        where: for errors.

    Raises:
        DataError: there are not `count` of them, or they are no numbers, or of another visibility
            than 0, 1 and 2.
    """
    numbers = annotation.get("keypoints")
    if not numbers:
        return np.zeros((count, 3), np.float32)
    try:
        points = np.asarray(numbers, np.float64).reshape(count, 3)
    except (TypeError, ValueError, OverflowError):
        points = np.full((1, 3), np.nan)
    if not np.isfinite(points).all() or not np.isin(points[:, 2], (0, 1, 2)).all():
        raise DataError(
            "The keypoints of an annotation are not usable",
            expected=f"{3 * count} numbers, x, y, v of each keypoint; v is 0, 1 or 2",
            received=f"{numbers!r}"[:120],
            where=where,
        )
    height, width = size
    position, limits = points[:, :2], np.array([width, height], np.float64)
    is_known = (points[:, 2] > 0) & ((position >= 0) & (position <= limits)).all(axis=1)
    points[:, :2] = np.minimum(position + 0.5, limits)
    return np.where(is_known[:, None], points, 0.0).astype(np.float32)
