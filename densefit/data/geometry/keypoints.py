"""Keypoints of objects that move with their picture. Numpy only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from densefit.data.homography import project

_TOLERANCE = 1e-3  # pixels; what a point on the edge may lose to rounding


def move_keypoints(
    points: np.ndarray,
    matrix: np.ndarray,
    size: tuple[int, int],
    swap: np.ndarray | None = None,
) -> np.ndarray:
    """Keypoints under a map into a picture of another size.

    A point that leaves the picture is no longer labelled: there is nothing to see of it, and a
    network that was asked for it would have to guess. Whatever is not labelled is 0, 0, 0, as in
    COCO files, so that it says nothing by accident.

    >>> mirror = np.array([[-1.0, 0, 10], [0, 1, 0]])
    >>> points = np.array([[[2, 3, 2], [9, 3, 1], [4, 4, 0]]], np.float32)
    >>> move_keypoints(points, mirror, (8, 10), swap=np.array([1, 0, 2])).tolist()
    [[[1.0, 3.0, 1.0], [8.0, 3.0, 2.0], [0.0, 0.0, 0.0]]]

    Args:
        points: (n, K, 3) x, y in pixels of the old picture, and visibility, over 0 if labelled.
        matrix: (2, 3) or (3, 3) map from old to new continuous pixel coordinates.
        size: (height, width) of the new picture.
        swap: (K,) int, the old place of each new keypoint where the map mirrors: a left hand
            in a mirror is a right hand. None leaves the order.

    Returns:
        (n, K, 3) float32.
    """
    points = np.asarray(points, np.float64)
    height, width = size
    place = project(points[..., :2], matrix)
    inside = ((place >= -_TOLERANCE) & (place <= np.add((width, height), _TOLERANCE))).all(axis=-1)
    labelled = inside & (points[..., 2] > 0)
    moved = np.concatenate([place.clip(0, (width, height)), points[..., 2:]], axis=-1)
    moved = np.where(labelled[..., None], moved, 0.0).astype(np.float32)
    return moved if swap is None else np.asarray(moved[:, swap])


def pixels_under(points: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """(..., 2) int64 the pixels, x and y, that points lie in; the last ones for its far edges.

    >>> pixels_under(np.array([[[0, 2.5, 2], [4, 3, 2]]]), (3, 4)).tolist()
    [[[0, 2], [3, 2]]]

    Args:
        points: (..., 2 and more) x, y in pixels of a picture, inside of it.
        size: (height, width) of the picture.
    """
    places = np.floor(points[..., :2]).astype(np.int64)
    return np.asarray(places.clip(0, (size[1] - 1, size[0] - 1)))


def swap_order(count: int, pairs: Iterable[Sequence[int]]) -> np.ndarray:
    """The order of `count` keypoints in which the pairs have changed places.

    >>> swap_order(5, [(1, 2), (3, 4)])
    array([0, 2, 1, 4, 3])

    Args:
        count: number of keypoints.
        pairs: pairs of indices, such as left and right hand; each index in one pair at most.
    """
    order = np.arange(count)
    first, second = np.asarray(list(pairs), np.int64).reshape(-1, 2).T
    order[first], order[second] = second, first
    return order


def is_swap(order: np.ndarray, count: int) -> bool:
    """Whether `order` holds each of 0 to count - 1 once, and done twice changes nothing."""
    order = np.asarray(order)
    if order.shape != (count,) or order.dtype.kind not in "iu":
        return False
    return bool(((order >= 0) & (order < count)).all() and (order[order] == range(count)).all())
