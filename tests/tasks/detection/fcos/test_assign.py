"""Which box a point learns, beside torchvision's rule: ignored boxes, crowds, equal areas."""

import numpy as np
import pytest

from densefit.tasks.detection import FCOS
from densefit.tasks.detection.fcos.assign import match_points

SIZE = (64, 96)
BOX = [[16, 16, 48, 48]]


@pytest.fixture
def points():
    return FCOS(1).points(SIZE)


def at(points, x, y, stride):
    (index,) = np.flatnonzero((points.centers == (x, y)).all(axis=1) & (points.strides == stride))
    return index


def test_only_points_near_the_centre_of_the_right_level_are_positive(points):
    matched = match_points(points, BOX)
    rows = np.flatnonzero(matched)
    assert (matched[rows] == 1).all()
    assert (points.strides[rows] == 8).all()
    assert sorted(map(tuple, points.centers[rows])) == [
        (x, y) for x in (24, 32, 40) for y in (24, 32, 40)
    ]


def test_the_smallest_box_counts_and_of_equal_ones_the_first(points):
    boxes = [[0, 0, 62, 62], [16, 16, 48, 48], [16, 16, 48, 48]]
    assert match_points(points, boxes)[at(points, 32, 32, 8)] == 2


def test_ignored_boxes_and_crowds_are_no_background(points):
    center, edge = at(points, 32, 32, 8), at(points, 24, 46 // 8 * 8, 8)
    ignored = match_points(points, BOX, ignored=np.array([True]))
    assert ignored[center] == -1
    assert ((ignored == -1) == (match_points(points, BOX) == 1)).all()
    crowd = match_points(points, BOX, crowd=np.array([True]))
    assert crowd[[center, edge]].tolist() == [-1, -1]
    assert (crowd == -1).sum() > (ignored == -1).sum()
    both = match_points(points, BOX * 2, crowd=np.array([True, False]))
    assert both[center] == 2


def test_boxes_without_area_and_images_without_boxes_match_nothing(points):
    assert not match_points(points, np.zeros((0, 4))).any()
    assert not match_points(points, [[32, 16, 32, 48]]).any()
