"""Unit vectors and their colours."""

import numpy as np

from densefit.tasks.normals.vectors import draw_normals, unit


def test_unit_vectors_of_any_length():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(5, 6, 3)) * 10.0 ** rng.uniform(-30, 30, (5, 6, 1))
    made, known = unit(vectors)
    assert made.dtype == np.float32
    assert known.all()
    expected = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    np.testing.assert_allclose(made, expected, atol=1e-6)


def test_what_has_no_direction_is_zero():
    unknown = [[0, 0, 0], [np.nan, 0, 0], [0, 0.5, np.nan], [np.inf, 0, 0]]
    made, known = unit(np.array(unknown))
    assert not known.any()
    np.testing.assert_array_equal(made, 0)


def test_colours():
    image = np.full((1, 4, 3), 7, np.uint8)
    normals = np.array([[[1, 0, 0], [0, -2, 0], [0, 0, 0.1], [0, 0, 0]]], np.float32)
    drawn = draw_normals(image, normals)
    assert drawn.dtype == np.uint8
    expected = [[255, 128, 128], [128, 0, 128], [128, 128, 255], [7, 7, 7]]
    np.testing.assert_array_equal(drawn[0], expected)
    assert (image == 7).all()
