"""Normals out of depths, beside the exact ones of planes and of generated rooms."""

import numpy as np
import pytest

from densefit.datasets import Rooms
from densefit.datasets.depth.surface_fit import normals_of_depth

FOCAL, CENTRE, SIZE = (40.0, 42.0), (15.0, 11.0), (24, 32)


def plane(normal, distance):
    """(H, W) depth of the plane with normal . point = -distance, seen by a pinhole."""
    x = (np.arange(SIZE[1]) - CENTRE[0]) / FOCAL[0]
    y = (np.arange(SIZE[0])[:, None] - CENTRE[1]) / FOCAL[1]
    return -distance / (normal[0] * x + normal[1] * y + normal[2])


@pytest.mark.parametrize("normal", [(0, 0, -1), (0.6, 0, -0.8), (0.2, -0.5, -0.84)])
def test_a_plane_has_its_normal_at_every_pixel(normal):
    normal = np.array(normal) / np.linalg.norm(normal)
    normals = normals_of_depth(plane(normal, 2.0), FOCAL, CENTRE)
    np.testing.assert_allclose(normals, np.broadcast_to(normal, (*SIZE, 3)), atol=1e-5)


def test_surfaces_behind_an_edge_do_not_count():
    near, far = plane((0, 0, -1), 1.0), plane((0.6, 0, -0.8), 3.0)
    depth = np.where(np.arange(SIZE[1]) < 16, near, far)
    normals = normals_of_depth(depth, FOCAL, CENTRE)
    expected = np.where((np.arange(SIZE[1]) < 16)[:, None], (0, 0, -1), (0.6, 0, -0.8))
    np.testing.assert_allclose(normals, np.broadcast_to(expected, (*SIZE, 3)), atol=1e-5)


def test_unknown_depths_and_lone_points_have_no_normal():
    depth = plane((0, 0, -1), 2.0)
    depth[:, :20] = 0
    depth[3, 3] = depth[5, 17] = np.nan
    depth[12, 4:9] = 2  # a line
    normals = normals_of_depth(depth, FOCAL, CENTRE)
    assert (normals[:, :20] == 0).all()
    np.testing.assert_allclose(np.linalg.norm(normals[:, 20:], axis=2), 1, atol=1e-6)


def test_rooms_have_about_their_exact_normals():
    height, width = 96, 128
    focal = 0.68 * width
    angles = []
    for index in range(3):
        targets = Rooms(3, (height, width))[index].targets
        centre = ((width - 1) / 2, (height - 1) / 2)
        normals = normals_of_depth(targets["depth"], (focal, focal), centre)
        cosine = np.clip((normals * targets["normals"]).sum(axis=2), -1, 1)
        angles.append(np.degrees(np.arccos(cosine)))
    angles = np.stack(angles)
    assert np.median(angles) < 0.01
    assert (angles < 11.25).mean() > 0.85
