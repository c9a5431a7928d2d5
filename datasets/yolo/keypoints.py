"""Keypoints of data.yaml: how many, what they are called, and which change places."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from densefit.datasets.coco.keypoints import Pairs, read_skeleton
from densefit.datasets.objects.skeleton import Skeleton
from densefit.errors import DataError
from densefit.once import warn_once

from .label_file import KeypointShape

logger = logging.getLogger(__name__)

_MOST_KEYPOINTS = 10_000


def keypoint_shape(value: Any, path: Path) -> KeypointShape | None:
    if value is None:
        return None
    if (
        not isinstance(value, list)
        or [type(number) for number in value] != [int, int]
        or not 0 < value[0] <= _MOST_KEYPOINTS
        or value[1] not in (2, 3)
    ):
        raise DataError(
            "The shape of the keypoints is not usable",
            expected="kpt_shape: [number of keypoints, 2 or 3]",
            received=f"{value!r:.120}",
            where=path,
        )
    return value[0], value[1]


def keypoint_names(value: Any, shape: KeypointShape | None) -> list[str] | None:
    """Names of the keypoints, where all classes have the same."""
    lists = list(value.values()) if isinstance(value, dict) else [value]
    if shape is None or not lists or any(names != lists[0] for names in lists):
        return None
    names = lists[0]
    if not isinstance(names, list) or len(names) != shape[0]:
        return None
    texts = [str(name) for name in names]
    return None if len(set(texts)) < len(texts) else texts


def check_flip(flip: Any, count: int, path: Path) -> None:
    """Raise DataError unless two mirrorings give each keypoint back."""
    if (
        not isinstance(flip, list)
        or not all(type(index) is int for index in flip)
        or sorted(flip) != list(range(count))
        or any(flip[flip[index]] != index for index in range(count))
    ):
        raise DataError(
            "The order of mirrored keypoints is not usable",
            expected=f"flip_idx: {count} indices from 0, in which two keypoints change places",
            received=f"{flip!r:.120}",
            where=path,
        )


def skeleton_of(
    shape: KeypointShape | None,
    names: list[str] | None,
    flip_idx: list[int] | None,
    flip_pairs: Pairs,
    source: Path,
) -> Skeleton:
    """Make the skeleton of keypoints that are numbered from 0 where they have no names.

    Args:
        shape: of the keypoints.
        names: their names; None if unknown.
        flip_idx: index of each one in a mirrored image; None if unknown.
        flip_pairs: pairs that the user names; they come before `flip_idx`.
        source: file of these, for errors.

    Raises:
        DataError: the number of keypoints is unknown, or the pairs are none.
    """
    if shape is None:
        raise DataError(
            "Keypoints are wanted, and their number is unknown",
            expected="kpt_shape: [number of keypoints, 2 or 3]",
            where=source,
            fix="write it into data.yaml, or leave out keypoints=True",
        )
    if flip_pairs is None and flip_idx is None and names is None:
        warn_once(
            logger,
            "%s: without flip_idx, keypoints keep their numbers in mirrored images. If there are "
            "left and right ones, write flip_idx, pass flip_pairs=, or do not mirror images",
            source,
        )
    if names is None:
        names = [str(number) for number in range(shape[0])]
    if flip_pairs is None and flip_idx is not None:
        flip_pairs = [[names[i], names[j]] for i, j in enumerate(flip_idx) if i < j]
    return read_skeleton([{"name": str(source), "keypoints": names}], flip_pairs, source)
