import numpy as np
import pytest

from densefit.data.geometry import rle
from densefit.datasets.files.bitmaps import Bitmap
from densefit.datasets.objects.polygon import extent, polygon_area
from densefit.datasets.objects.shapes import (
    Shape,
    box_polygon,
    ellipse_polygon,
    join_shapes,
)

SIZE = (20, 30)
SQUARE = [2.0, 2.0, 6.0, 2.0, 6.0, 6.0, 2.0, 6.0]
BITMAP = Bitmap(np.array([[1, 0, 1], [1, 1, 1]], bool), 10, 4)


def outline(polygon, **more):
    return Shape("cat", extent(polygon), (polygon,), **more)


def test_shapes_of_one_class_and_group_are_one_object():
    shifted = [value + 10 for value in SQUARE]
    shapes = [
        outline(SQUARE, group=1, where="shape 1"),
        outline(SQUARE),
        outline(shifted, group=1, difficult=True),
        Shape("dog", (0, 0, 1, 1), group=1),
        outline(SQUARE),
    ]
    first, second, dog, last = join_shapes(shapes, SIZE)
    assert (first.name, first.box, first.where) == ("cat", (2, 2, 16, 16), "shape 1")
    assert first.segmentation == [SQUARE, shifted]
    assert (first.area, first.difficult, second.difficult) == (32, True, False)
    assert second.segmentation == last.segmentation == [SQUARE]
    assert (dog.name, dog.segmentation, dog.area) == ("dog", None, None)


def test_a_mask_becomes_run_lengths_of_the_image():
    (thing,) = join_shapes([Shape("cat", BITMAP.box, bitmap=BITMAP)], SIZE)
    expected = np.zeros(SIZE, np.uint8)
    expected[4:6, 10:13] = BITMAP.mask
    np.testing.assert_array_equal(rle.decode(thing.segmentation), expected)
    assert (thing.box, thing.area) == ((10, 4, 13, 6), 5)


def test_masks_and_polygons_are_joined_and_cut_to_the_image():
    shapes = [
        Shape("cat", BITMAP.box, bitmap=BITMAP, group=7),
        outline(SQUARE, group=7),
        Shape("cat", (28, 18, 31, 20), bitmap=Bitmap(BITMAP.mask, 28, 18), group=7),
    ]
    (thing,) = join_shapes(shapes, SIZE)
    expected = np.zeros(SIZE, np.uint8)
    expected[4:6, 10:13] = BITMAP.mask
    expected[2:6, 2:6] = 1
    expected[18:20, 28:30] = BITMAP.mask[:, :2]
    np.testing.assert_array_equal(rle.decode(thing.segmentation), expected)
    assert thing.box == (2, 2, 31, 20)


def test_keypoints_are_in_the_order_of_their_names():
    points = {"tail": (3.5, 4.5, 1), "nose": (7.0, 8.0, 2), "ear": (40.0, 1.0, 2)}
    shapes = [Shape("cat", (0, 0, 9, 9), keypoints=points)]
    (thing,) = join_shapes(shapes, SIZE, ["nose", "ear", "tail", "paw"])
    expected = [[7, 8, 2], [0, 0, 0], [3.5, 4.5, 1], [0, 0, 0]]
    np.testing.assert_array_equal(thing.keypoints, np.array(expected, np.float32))


@pytest.mark.parametrize("degrees", [0.0, 30.0, 90.0, 200.0])
def test_a_turned_box_keeps_area_and_centre(degrees):
    polygon = box_polygon((4, 6, 14, 10), degrees)
    assert polygon_area(polygon) == pytest.approx(40)
    np.testing.assert_allclose(np.reshape(polygon, (4, 2)).mean(0), [9, 8])
    if degrees == 90:
        np.testing.assert_allclose(extent(polygon), [7, 3, 11, 13])
        np.testing.assert_allclose(polygon[:2], [11, 3])  # clockwise, as the image shows it


@pytest.mark.parametrize("radii", [(0.2, 0.1), (3, 8), (300, 200)])
def test_an_ellipse_has_nearly_its_area(radii):
    polygon = ellipse_polygon((50, 60), radii, 25.0)
    allowed = 0.1 * np.pi * sum(radii)
    assert polygon_area(polygon) == pytest.approx(np.pi * radii[0] * radii[1], abs=allowed)
    assert np.reshape(polygon, (-1, 2)).mean(0) == pytest.approx([50, 60])


@pytest.mark.parametrize("radius", [0.0, 1e30, 1e308])
def test_an_ellipse_of_any_size_is_a_polygon(radius):
    assert len(ellipse_polygon((5, 6), (radius, radius))) % 2 == 0


def test_an_area_without_end_is_none():
    assert polygon_area([0, 0, 1e308, 1e308, -1e308, 1e308]) == 0
