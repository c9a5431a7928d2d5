import cv2
import numpy as np
import pytest

from densefit.data.homography import (
    area_scales,
    index_matrix,
    is_affine,
    is_straight,
    mirrors,
    move_boxes,
    project,
    rotate_vectors,
    rotation_of,
)

TURN = np.array([[0.8, -0.6, 3.0], [0.6, 0.8, -2.0]])
LOOK = np.array([[0.9, 0.1, 3.0], [-0.1, 0.8, 5.0], [1e-3, -2e-3, 1.0]])


def test_points_move_as_opencv_moves_them():
    points = np.random.default_rng(0).uniform(0, 60, (20, 2))
    expected = cv2.perspectiveTransform(points[None], LOOK)[0]
    np.testing.assert_allclose(project(points, LOOK), expected)
    expected = cv2.transform(points[None], TURN)[0]
    np.testing.assert_allclose(project(points, TURN), expected)
    np.testing.assert_allclose(project(points, np.vstack([TURN, [0, 0, 1]])), expected)


@pytest.mark.parametrize("matrix", [TURN, LOOK])
def test_a_box_holds_every_point_of_what_it_held_and_no_more(matrix):
    box = np.array([[5.0, 8.0, 25.0, 14.0]])
    x, y = np.meshgrid(np.linspace(5, 25, 41), np.linspace(8, 14, 41))
    points = project(np.stack([x, y], axis=-1).reshape(-1, 2), matrix)
    expected = np.concatenate([points.min(axis=0), points.max(axis=0)])
    np.testing.assert_allclose(move_boxes(box, matrix)[0], expected)


@pytest.mark.parametrize("matrix", [TURN * 3, LOOK, 2 * LOOK])
def test_areas_grow_as_small_squares_do(matrix):
    places = np.array([[4.0, 9.0], [40.0, 30.0]])
    step = 1e-3
    as_3x3 = step * np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    for place, factor in zip(places, area_scales(places, matrix)):
        x, y = project(place + as_3x3, matrix).T
        area = 0.5 * abs(x @ np.roll(y, 1) - y @ np.roll(x, 1))
        assert factor == pytest.approx(area / step**2, rel=1e-3)


def test_what_maps_are():
    assert is_affine(TURN)
    assert is_affine(np.eye(3))
    assert not is_affine(LOOK)
    assert is_straight(np.array([[0, 2.0, 1], [-3, 0, 4]]))
    assert not is_straight(TURN)
    assert not is_straight(LOOK)
    assert mirrors(np.array([[0.6, 0.8, 0], [0.8, -0.6, 0]]))
    assert not mirrors(TURN)
    assert not mirrors(-LOOK)  # the same map as LOOK


def test_the_rotation_is_the_nearest_one():
    """Compared with all rotations by whole tenths of a degree."""
    matrix = np.array([[1.4, -0.5], [0.9, 0.7]])
    angles = np.radians(np.arange(0, 360, 0.1))
    cos, sin = np.cos(angles), np.sin(angles)
    turns = np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], -2)
    best = turns[np.argmin(((turns - matrix) ** 2).sum(axis=(1, 2)))]
    np.testing.assert_allclose(rotation_of(np.c_[matrix, [0, 0]]), best, atol=2e-3)


def test_vectors_turn_and_keep_their_length():
    vector = np.array([0.6, 0.0, 0.8], np.float32)
    stretched = np.diag([1.0, 1.0, 1.0])[:2] * 1.7
    np.testing.assert_array_equal(rotate_vectors(vector, stretched), vector)
    turned = rotate_vectors(vector, 1.7 * TURN)
    np.testing.assert_allclose(turned, [0.48, 0.36, 0.8], rtol=1e-6)
    assert turned.dtype == np.float32


def test_indices_are_half_a_pixel_off():
    centre = np.array([[7.5, 4.5]])
    for matrix in (TURN, LOOK):
        np.testing.assert_allclose(
            project(centre - 0.5, index_matrix(matrix)) + 0.5, project(centre, matrix)
        )
        assert index_matrix(matrix).shape == matrix.shape
