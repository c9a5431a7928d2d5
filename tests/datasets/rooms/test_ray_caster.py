"""Views against a plain search: each ray, each face of each box, in float64."""

import numpy as np
import pytest

from densefit.datasets.rooms.camera import Camera, rotation_of
from densefit.datasets.rooms.cuboid import Cuboid
from densefit.datasets.rooms.ray_caster import FACES, cast

ROOM = np.array([4.0, 2.5, 5.0])


def nearest(position, ray, cuboids):
    """(depth, part, face) of the nearest face that a ray meets from its front."""
    best = (np.inf, -1, 0)
    boxes = [(np.zeros(3), ROOM, -1), *((c.low, c.high, n) for n, c in enumerate(cuboids))]
    for low, high, part in boxes:
        for number, normal in enumerate(FACES):
            axis, is_positive = divmod(number, 2)
            if normal @ ray >= 0:
                continue  # seen from behind
            inwards = part == -1
            plane = high[axis] if bool(is_positive) != inwards else low[axis]
            depth = (plane - position[axis]) / ray[axis]
            point = position + depth * ray
            across = [a for a in range(3) if a != axis]
            inside = all(low[a] - 1e-9 <= point[a] <= high[a] + 1e-9 for a in across)
            if 0.05 < depth < best[0] and inside:
                best = (depth, part, number)
    return best


@pytest.fixture(scope="module", params=[0, 1, 2])
def scene(request):
    rng = np.random.default_rng(request.param)
    cuboids = []
    for _ in range(6):
        low = rng.uniform((0, 0.5, 1.5), (3, 2, 4))
        cuboids.append(Cuboid(low, low + rng.uniform(0.2, 0.9, 3), rng.random(3)))
    # One behind the camera, one beside it which the plane of the camera cuts.
    cuboids.append(Cuboid(np.array([1, 1, -0.4]), np.array([2, 2, -0.2]), np.zeros(3)))
    cuboids.append(Cuboid(np.array([3.2, 1, 0.1]), np.array([3.6, 2, 1.9]), np.zeros(3)))
    rotation = rotation_of(rng.uniform(-0.5, 0.5), rng.uniform(-0.3, 0.1))
    camera = Camera(np.array([1.9, 1.1, 0.4]), rotation, 22.0, (24, 32))
    return camera, cuboids


def test_views_equal_the_plain_search(scene):
    camera, cuboids = scene
    rays = camera.rays()
    view = cast(camera, rays, ROOM, cuboids)
    differ = 0
    for row in range(24):
        for column in range(32):
            ray = rays[:, row, column].astype(np.float64)
            depth, part, face = nearest(camera.position, ray, cuboids)
            seen = (view.part[row, column], view.face[row, column])
            if seen != (part, face):  # within rounding of an edge
                differ += 1
                continue
            np.testing.assert_allclose(view.depth[row, column], depth, rtol=1e-4)
    assert differ <= 3
    assert len(np.unique(view.part)) >= 4


def test_rays_go_through_the_middles_of_pixels():
    camera = Camera(np.zeros(3), np.eye(3), 10.0, (4, 6))
    rays = camera.rays()
    np.testing.assert_allclose(rays[:, 1, 2], [-0.05, -0.05, 1], atol=1e-6)
    np.testing.assert_allclose(rays[:, 3, 5], [0.25, 0.15, 1], atol=1e-6)


def test_turns():
    ahead, down = np.array([0, 0, 1]), np.array([0, 1, 0])
    right = rotation_of(0.1, 0) @ ahead
    assert right[0] > 0
    assert right[1] == 0
    assert (rotation_of(0, 0.1) @ ahead)[1] < 0  # upwards, as y points down
    turned = rotation_of(0.3, -0.2)
    np.testing.assert_allclose(turned @ turned.T, np.eye(3), atol=1e-12)
    assert (turned @ down)[0] == pytest.approx(0, abs=0.1)


def test_extent():
    camera = Camera(np.zeros(3), np.eye(3), 10.0, (20, 20))
    ahead = Cuboid(np.array([-0.2, -0.1, 1]), np.array([0.2, 0.1, 2]), np.zeros(3))
    assert camera.extent(ahead.corners()) == (slice(9, 11), slice(8, 12))
    behind = Cuboid(np.array([0, 0, -2]), np.array([1, 1, -1]), np.zeros(3))
    assert camera.extent(behind.corners()) is None
    beside = Cuboid(np.array([9, 0, 1]), np.array([10, 1, 2]), np.zeros(3))
    assert camera.extent(beside.corners()) is None
    across = Cuboid(np.array([-1, -1, -1]), np.array([1, 1, 1]), np.zeros(3))
    assert camera.extent(across.corners()) == (slice(0, 20), slice(0, 20))
