"""Colours of depth maps."""

import numpy as np
import pytest

from densefit.tasks.depth.drawing import depth_colors, depth_range, draw_depth
from densefit.tasks.depth.head import Depth


def test_near_is_warm_and_far_is_cold():
    colors = depth_colors(np.array([1.0, 8.0, 0.5, 99.0]), 1.0, 8.0).astype(int)
    assert colors[0, 0] > colors[0, 2]  # red over blue
    assert colors[1, 2] > colors[1, 0]
    np.testing.assert_array_equal(colors[2:], colors[:2])  # out of range: the ends


def test_equal_ratios_are_equal_steps():
    depth = np.array([1, 2, 4, 8, 16.0])
    np.testing.assert_array_equal(depth_colors(depth, 1, 16), depth_colors(depth * 3, 3, 48))
    assert len(np.unique(depth_colors(depth, 1, 16), axis=0)) == 5


def test_the_range_leaves_wild_pixels_and_unknown_ones_out():
    depth = np.full((50, 50), 3.0)
    depth[0, :10] = 500
    depth[1, :10] = [0, -1, np.nan, np.inf] + [2.5] * 6
    assert depth_range(depth) == (3.0, 3.0)
    assert depth_range(np.zeros((3, 3))) is None


@pytest.mark.parametrize("size", [(200, 300), (50, 40), (3, 2)])
@pytest.mark.parametrize("depth", [0.0, np.nan, 3.0, "ramp"])
def test_unknown_pixels_show_the_image(size, depth):
    image = np.full((*size, 3), 90, np.uint8)
    values = np.full(size, 1.0, np.float32)
    values[:] = np.linspace(1, 5, size[1]) if isinstance(depth, str) else depth
    values[:, size[1] // 2 :] = 0
    drawn = draw_depth(image, values)
    assert (drawn.shape, drawn.dtype) == (image.shape, np.uint8)
    assert (image == 90).all()
    middle = drawn[size[0] // 4 : size[0] // 2]  # below the label, above the bar
    if size[0] > 100:
        assert (middle[:, size[1] // 2 :] == 90).all()
        assert (middle[:, : size[1] // 2] == 90).all() == (depth != "ramp" and not depth > 0)


def test_truth_and_prediction_have_the_colours_of_one_range():
    """A nearly constant prediction is of nearly one colour; alone it would show all."""
    image = np.zeros((60, 80, 3), np.uint8)
    truth = np.tile(np.linspace(1.0, 4.0, 80), (60, 1))
    flat = np.tile(np.linspace(2.0, 2.1, 80), (60, 1))
    drawn_truth, drawn = Depth().draw_both(image, truth, flat)
    np.testing.assert_array_equal(drawn_truth, draw_depth(image, truth))
    spans = [np.ptp(one[25].astype(int), axis=0).max() for one in (drawn, draw_depth(image, flat))]
    assert spans[0] < 60 < spans[1]
    assert (drawn[25, 40] == depth_colors(flat[25, 40], 1.0, 4.0)).all()
    assert (Depth().draw_both(image, truth, 0 * flat)[1] == draw_depth(image, 0 * flat)).all()
