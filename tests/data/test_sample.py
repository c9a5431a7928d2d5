import copy

import numpy as np
import pytest

from densefit.data.geometry.to_original import map_to_original
from densefit.data.sample import Geometry, LostGeometry
from densefit.errors import DataError

LOOK = np.array([[0.9, 0.1, 3.0], [-0.05, 0.8, 5.0], [1e-3, -2e-3, 1.0]])


def test_maps_follow_each_other():
    first, second = np.array([[2.0, 0, 1], [0, 3, 4]]), np.array([[0.0, -1, 9], [1, 0, 0]])
    both = Geometry.identity(10, 20).then(first, (30, 40)).then(second, (40, 30))
    assert (both.size, both.input_size) == ((10, 20), (40, 30))
    x, y = both.matrix @ (5, 7, 1)
    assert (x, y) == (9 - (3 * 7 + 4), 2 * 5 + 1)
    as_3x3 = np.vstack([first, [0, 0, 1]])
    same = Geometry.identity(10, 20).then(as_3x3, (30, 40))
    np.testing.assert_array_equal(same.matrix, first)


def test_a_lost_one_says_its_sizes_and_why_and_never_a_place():
    lost = Geometry.identity(10, 20).then(LOOK, (30, 40))
    assert isinstance(lost, LostGeometry)
    later = copy.deepcopy(lost.then(np.eye(2, 3), (50, 60)))
    assert (later.size, later.input_size) == ((10, 20), (50, 60))
    for ask in (
        lambda: later.matrix,
        lambda: later.boxes_to_original(np.zeros((1, 4))),
        lambda: later.points_to_original(np.zeros((1, 2))),
        lambda: map_to_original(np.zeros((50, 60)), later),
    ):
        with pytest.raises(DataError, match=r"perspective[\s\S]*resize or letterbox"):
            ask()
    assert "perspective" in repr(later)
    with pytest.raises(AttributeError):
        _ = later.other


def test_boxes_come_back_from_a_mirror_and_not_from_a_turn():
    mirror = np.array([[-2.0, 0, 40], [0, 3, 0]])
    back = Geometry.identity(10, 20).then(mirror, (30, 40)).boxes_to_original([[10, 6, 20, 12]])
    np.testing.assert_array_equal(back, [[10, 2, 15, 4]])
    turned = Geometry.identity(10, 20).then(np.array([[0.0, 1, 0], [-1, 0, 20]]), (20, 10))
    with pytest.raises(DataError, match="turned"):
        turned.boxes_to_original([[1, 2, 3, 4]])


WIDE = Geometry((10, 200), np.array([[0.5, 0, 0], [0, 0.5, 20]]), (45, 100))


def test_boxes_of_the_border_are_not_in_the_image():
    least = np.nextafter(np.float32(25), np.float32(0))
    boxes = [[5, 2, 50, 19], [5, 15, 50, 20], [5, 15, 50, 21], [5, 25, 50, 44], [5, least, 50, 44]]
    np.testing.assert_array_equal(WIDE.boxes_in_image(np.float32(boxes)), [2, 4])
    mirrored = Geometry((10, 200), np.array([[-0.5, 0, 100], [0, 0.5, 20]]), (45, 100))
    np.testing.assert_array_equal(mirrored.boxes_in_image(boxes[:3]), [2])
    assert WIDE.boxes_in_image(np.zeros((0, 4))).shape == (0,)


@pytest.mark.parametrize("size", [(333, 777), (45, 100), (7, 3)])
def test_boxes_outside_of_an_image_without_a_border(size):
    resized = Geometry(size, np.diag([100 / size[1], 45 / size[0], 1])[:2], (45, 100))
    mirrored = resized.then(np.array([[-1.0, 0, 100], [0, 1, 0]]), (45, 100))
    boxes = [[120, 3, 130, 9], [-9, -9, 0, 0], [5, 5, 5, 9], [-5, -5, 2, 2], [90, 40, 120, 90]]
    for geometry in (resized, mirrored):
        np.testing.assert_array_equal(geometry.boxes_in_image(boxes), [2, 3, 4])
    window = resized.then(np.array([[1.0, 0, -30], [0, 1, -9]]), (20, 50))
    inside = [[-9, -9, 0, 0], [-40, 5, -30, 9]]  # beyond the window is image, too
    np.testing.assert_array_equal(window.boxes_in_image(inside), [0])
