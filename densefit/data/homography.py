"""Affine maps and homographies of points, boxes, areas and directions. Numpy only.

An affine map is (2, 3), a homography is (3, 3). Both map continuous pixel
coordinates: pixel j covers [j, j + 1).
"""

from __future__ import annotations

import numpy as np

_CENTRE = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])


def as_3x3(matrix: np.ndarray) -> np.ndarray:
    """Convert a map to (3, 3) float64."""
    matrix = np.asarray(matrix, np.float64)
    return matrix if matrix.shape == (3, 3) else np.vstack([matrix, [0.0, 0.0, 1.0]])


def is_affine(matrix: np.ndarray) -> bool:
    """Whether parallel lines stay parallel: the last row is a multiple of 0, 0, 1."""
    return matrix.shape == (2, 3) or not matrix[2, :2].any()


def is_straight(matrix: np.ndarray) -> bool:
    """Whether axis-aligned boxes stay so: only scales, shifts, flips and quarter turns."""
    (a, b), (c, d) = matrix[:2, :2]
    return is_affine(matrix) and (b == c == 0 or a == d == 0)


def project(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Apply a map to (..., 2) points x, y; float64.

    >>> project(np.array([[2.0, 3.0]]), np.array([[2.0, 0.0, 1.0], [0.0, 1.0, 0.0]]))
    array([[5., 3.]])
    """
    moved = np.asarray(points, np.float64) @ matrix[:2, :2].T + matrix[:2, 2]
    return moved if is_affine(matrix) else moved / _depth(points, matrix)[..., None]


def move_boxes(boxes: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Axis-aligned boxes around (n, 4) xyxy boxes after a map; (n, 4) float64."""
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2)
    moved = project(corners, matrix)
    return np.concatenate([moved.min(axis=1), moved.max(axis=1)], axis=1)


def area_scales(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Factors (...,) by which a map scales small areas at (..., 2) points."""
    whole = as_3x3(matrix)
    determinant = abs(np.linalg.det(whole / whole[2, 2]))
    if is_affine(matrix):
        return np.full(np.shape(points)[:-1], determinant)
    return np.asarray(determinant / np.abs(_depth(points, whole / whole[2, 2])) ** 3)


def mirrors(matrix: np.ndarray) -> bool:
    """Whether the map contains a reflection."""
    whole = as_3x3(matrix)
    return bool(np.linalg.det(whole / whole[2, 2]) < 0)


def rotation_of(matrix: np.ndarray) -> np.ndarray:
    """(2, 2) rotation, maybe with a reflection, of an affine map without its stretching.

    The orthogonal factor of the polar decomposition: the rotation nearest to the map (Higham,
    "Computing the polar decomposition", 1986).
    """
    linear = np.asarray(matrix, np.float64)[:2, :2]
    if is_straight(matrix):
        return np.sign(linear)  # exactly
    left, _, right = np.linalg.svd(linear)
    return np.asarray(left @ right)


def rotate_vectors(vectors: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Transform (..., C) vectors of an image by an affine map.

    The first two components (x right, y down) are rotated and flipped. Scales do not matter: the
    vectors belong to the scene, which a resized image still shows.

    >>> rotate_vectors(np.array([0.6, 0.0, 0.8]), np.array([[-1.0, 0.0, 9.0], [0.0, 1.0, 0.0]]))
    array([-0.6,  0. ,  0.8])
    """
    rotation = rotation_of(matrix).astype(vectors.dtype)
    if np.array_equal(rotation, np.eye(2)):
        return vectors
    turned = vectors.copy()
    turned[..., :2] = vectors[..., :2] @ rotation.T
    return turned


def index_matrix(matrix: np.ndarray) -> np.ndarray:
    """Convert a map to pixel indices, as OpenCV expects it; same shape."""
    moved = np.linalg.inv(_CENTRE) @ as_3x3(matrix) @ _CENTRE
    return moved[: len(matrix)]


def _depth(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """(...,) denominators of a homography at points."""
    return np.asarray(np.asarray(points, np.float64) @ matrix[2, :2] + matrix[2, 2])
