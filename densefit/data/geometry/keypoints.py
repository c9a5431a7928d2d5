"""Transform keypoints of objects with their image. Numpy only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from densefit.data.homography import project

_TOLERANCE = 1e-3  # pixels; rounding of points on the edge


def move_keypoints(
    points: np.ndarray,
    matrix: np.ndarray,
    size: tuple[int, int],
    swap: np.ndarray | None = None,
) -> np.ndarray:
    """Transform keypoints by a map into another image.

    A point outside of the new image becomes unlabelled: it is not visible, and a network could only
    guess it. Unlabelled points are 0, 0, 0, as in COCO files.

    >>> mirror = np.array([[-1.0, 0, 10], [0, 1, 0]])
    >>> points = np.array([[[2, 3, 2], [9, 3, 1], [4, 4, 0]]], np.float32)
    >>> move_keypoints(points, mirror, (8, 10), swap=np.array([1, 0, 2])).tolist()
    [[[1.0, 3.0, 1.0], [8.0, 3.0, 2.0], [0.0, 0.0, 0.0]]]

    Args:
        points: (n, K, 3) x, y in pixels of the old image, and visibility, above 0 if labelled.
        matrix: (2, 3) or (3, 3) map from old to new continuous pixel coordinates.
        size: (height, width) of the new image.
        swap: (K,) int, the old index of each new keypoint if the map flips: a left hand becomes a
            right hand. None keeps the order.

    Returns:
        (n, K, 3) float32.
    """
    points = np.asarray(points, np.float64)
    height, width = size
    position = project(points[..., :2], matrix)
    inside = ((position >= -_TOLERANCE) & (position <= np.add((width, height), _TOLERANCE))).all(
        axis=-1
    )
    labelled = inside & (points[..., 2] > 0)
    moved = np.concatenate([position.clip(0, (width, height)), points[..., 2:]], axis=-1)
    moved = np.where(labelled[..., None], moved, 0.0).astype(np.float32)
    return moved if swap is None else np.asarray(moved[:, swap])


def pixels_under(points: np.ndarray, size: tuple[int, ...]) -> np.ndarray:
    """Pixels x, y that contain points, (..., 2) int64; points on the far edge have the last pixel.

    >>> pixels_under(np.array([[[0, 2.5, 2], [4, 3, 2]]]), (3, 4)).tolist()
    [[[0, 2], [3, 2]]]

    Args:
        points: (..., 2 or more) x, y in pixels, inside the image.
        size: (height, width) of the image.
    """
    pixels = np.floor(points[..., :2]).astype(np.int64)
    return np.asarray(pixels.clip(0, (size[1] - 1, size[0] - 1)))


def swap_order(count: int, pairs: Iterable[Sequence[int]]) -> np.ndarray:
    """Order of `count` keypoints with the pairs swapped.

    >>> swap_order(5, [(1, 2), (3, 4)])
    array([0, 2, 1, 4, 3])

    Args:
        count: number of keypoints.
        pairs: pairs of indices, such as left and right hand; each index in at most one pair.
    """
    order = np.arange(count)
    first, second = np.asarray(list(pairs), np.int64).reshape(-1, 2).T
    order[first], order[second] = second, first
    return order


def is_swap(order: np.ndarray, count: int) -> bool:
    """Whether `order` is a permutation of 0 to count - 1 that is its own inverse."""
    order = np.asarray(order)
    if order.shape != (count,) or order.dtype.kind not in "iu":
        return False
    return bool(((order >= 0) & (order < count)).all() and (order[order] == range(count)).all())
