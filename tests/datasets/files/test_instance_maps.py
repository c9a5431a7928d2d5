from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from densefit.data.geometry.instance_map import UNKNOWN
from densefit.datasets.files.instance_maps import ids_of_boxes, read_instances
from densefit.errors import DataError

WHERE = Path("map.png")


def painted(*rectangles, size=(40, 50)):
    instances = np.zeros(size, np.uint16)
    for value, (x1, y1, x2, y2) in rectangles:
        instances[y1:y2, x1:x2] = value
    return instances


A, B, C = (2, 3, 12, 13), (20, 5, 44, 30), (5, 25, 9, 39)


def test_ids_count_the_objects_of_the_annotation():
    instances = painted((1, A), (2, B), (4, C))
    boxes, numbers = np.array([A, B, C], np.float32), np.array([1, 2, 4])
    np.testing.assert_array_equal(ids_of_boxes(instances, boxes, numbers, WHERE), [1, 2, 4])


def test_other_ids_are_found_by_where_they_lie():
    instances = painted((300, A), (1, B), (7, C))
    boxes = np.array([A, (21, 6, 44, 31), C, (30, 32, 48, 38)], np.float32)
    found = ids_of_boxes(instances, boxes, np.arange(1, 5), WHERE)
    np.testing.assert_array_equal(found, [300, 1, 7, 0])


def test_an_id_goes_to_one_box_only():
    instances = painted((1, A), (2, B))
    boxes = np.array([A, A, B], np.float32)
    np.testing.assert_array_equal(ids_of_boxes(instances, boxes, np.arange(1, 4), WHERE), [1, 0, 2])


def test_a_map_of_another_picture_is_refused():
    with pytest.raises(DataError, match="fits none of the boxes"):
        ids_of_boxes(painted((1, A)), np.array([B], np.float32), np.array([1]), WHERE)


def test_no_boxes_or_no_ids():
    none = ids_of_boxes(painted((1, A)), np.zeros((0, 4)), np.zeros(0, np.int64), WHERE)
    assert (none.shape, none.dtype) == ((0,), np.int64)
    np.testing.assert_array_equal(
        ids_of_boxes(painted(), np.array([B], np.float32), np.array([1]), WHERE), [0]
    )


def test_255_is_the_border_in_8_bits_and_an_object_in_16(tmp_path):
    values = painted((255, A), (3, B))
    path = tmp_path / "m.png"
    Image.fromarray(values.astype(np.uint8)).save(path)
    eight = read_instances(path, tmp_path / "p.jpg", (40, 50))
    assert eight.dtype == np.uint16
    np.testing.assert_array_equal(eight, np.where(values == 255, UNKNOWN, values))
    Image.fromarray(values).save(path)
    np.testing.assert_array_equal(read_instances(path, tmp_path / "p.jpg", (40, 50)), values)
    with pytest.raises(DataError, match=r"(?s)size.*\(50, 40\).*\(40, 50\)"):
        read_instances(path, tmp_path / "p.jpg", (50, 40))
