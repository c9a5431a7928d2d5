"""Maps of the plane: what they do to points, boxes, areas and directions. Numpy only.

An affine map is (2, 3), one in perspective (a homography) is (3, 3). Both map continuous pixel
coordinates: pixel j covers [j, j + 1).
"""

from __future__ import annotations

import numpy as np

_CENTRE = np.array([[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0]])


def as_3x3(matrix: np.ndarray) -> np.ndarray:
    """The map as (3, 3) float64."""
    matrix = np.asarray(matrix, np.float64)
    return matrix if matrix.shape == (3, 3) else np.vstack([matrix, [0.0, 0.0, 1.0]])


def is_affine(matrix: np.ndarray) -> bool:
    """Whether parallels stay parallel: the last row is a multiple of 0, 0, 1."""
    return matrix.shape == (2, 3) or not matrix[2, :2].any()


def is_straight(matrix: np.ndarray) -> bool:
    """Whether upright boxes stay upright boxes: scales, shifts, mirrors and quarter turns only."""
    (a, b), (c, d) = matrix[:2, :2]
    return is_affine(matrix) and (b == c == 0 or a == d == 0)


def project(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """(..., 2) points x, y under a map; float64.

    >>> project(np.array([[2.0, 3.0]]), np.array([[2.0, 0.0, 1.0], [0.0, 1.0, 0.0]]))
    array([[5., 3.]])
    """
    moved = np.asarray(points, np.float64) @ matrix[:2, :2].T + matrix[:2, 2]
    return moved if is_affine(matrix) else moved / _depth(points, matrix)[..., None]


def move_boxes(boxes: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """The upright boxes around (n, 4) xyxy boxes that were moved; (n, 4) float64."""
    boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
    corners = boxes[:, [0, 1, 2, 1, 2, 3, 0, 3]].reshape(-1, 4, 2)
    moved = project(corners, matrix)
    return np.concatenate([moved.min(axis=1), moved.max(axis=1)], axis=1)


def area_scales(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """(...,) by how much a small area at each of (..., 2) points grows."""
    whole = as_3x3(matrix)
    determinant = abs(np.linalg.det(whole / whole[2, 2]))
    if is_affine(matrix):
        return np.full(np.shape(points)[:-1], determinant)
    return np.asarray(determinant / np.abs(_depth(points, whole / whole[2, 2])) ** 3)


def mirrors(matrix: np.ndarray) -> bool:
    """Whether left and right change places: the map turns a right hand into a left one."""
    whole = as_3x3(matrix)
    return bool(np.linalg.det(whole / whole[2, 2]) < 0)


def rotation_of(matrix: np.ndarray) -> np.ndarray:
    """(2, 2) the rotation, mirrored or not, in an affine map: what is left without its stretching.

    It is the orthogonal factor of the polar decomposition, the rotation nearest to the map
    (Higham, "Computing the polar decomposition", 1986).
    """
    linear = np.asarray(matrix, np.float64)[:2, :2]
    if is_straight(matrix):
        return np.sign(linear)  # exactly
    left, _, right = np.linalg.svd(linear)
    return np.asarray(left @ right)


def rotate_vectors(vectors: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """(..., C) vectors of a picture under an affine map.

    The first two components (x right, y down) are mirrored and turned. Scales do not matter: a
    vector is one of the scene, and a picture that is stretched is one of the same scene.

    >>> turn_vectors(np.array([0.6, 0.0, 0.8]), np.array([[-1.0, 0.0, 9.0], [0.0, 1.0, 0.0]]))
    array([-0.6,  0. ,  0.8])
    """
    rotation = rotation_of(matrix).astype(vectors.dtype)
    if np.array_equal(rotation, np.eye(2)):
        return vectors
    turned = vectors.copy()
    turned[..., :2] = vectors[..., :2] @ rotation.T
    return turned


def index_matrix(matrix: np.ndarray) -> np.ndarray:
    """The same map between indices of pixels, as OpenCV wants it; of the same shape."""
    moved = np.linalg.inv(_CENTRE) @ as_3x3(matrix) @ _CENTRE
    return moved[: len(matrix)]


def _depth(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """(...,) what a homography divides by."""
    return np.asarray(np.asarray(points, np.float64) @ matrix[2, :2] + matrix[2, 2])
