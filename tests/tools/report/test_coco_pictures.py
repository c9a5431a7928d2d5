"""Objects drawn on pictures."""

import numpy as np

from densefit.tools.report.coco_pictures import draw_objects


def test_keypoints_that_say_nothing_of_themselves_are_drawn_where_they_are():
    """One object of several: it had been drawn as a box at the corner of the picture."""
    image = np.full((120, 160, 3), 128, np.uint8)
    points = np.array([[[20, 20, 1], [40, 30, 1]], [[90, 70, 0], [140, 100, 0]]], float)
    given = points.copy()
    objects = {"keypoints": points, "classes": np.zeros(2, int), "scores": np.array([0.9, 0.8])}
    drawn = draw_objects(image, objects, np.array([0, 1]), ["person"])
    changed = (drawn != image).any(axis=2)
    assert changed[85:115, 130:150].any()
    assert not changed[:5, :5].any()
    np.testing.assert_array_equal(points, given)
