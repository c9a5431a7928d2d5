import numpy as np
import pytest

from densefit.tasks.keypoints.drawing import draw_skeletons
from densefit.visualize.drawing import color_of

LIMBS = np.array([[0, 1], [1, 2]])


def figure(scale, confidence=(1, 1, 1)):
    points = np.array([[10, 10], [40, 20], [70, 60]]) * scale
    return np.concatenate([points, np.array(confidence)[:, None]], axis=1)[None]


@pytest.mark.parametrize("scale", [1, 3, 10])
@pytest.mark.parametrize("ground", [0, 128, 255])
def test_each_limb_has_its_colour_on_any_ground_and_size(scale, ground):
    image = np.full((80 * scale, 80 * scale, 3), ground, np.uint8)
    drawn = draw_skeletons(image, figure(scale), LIMBS)
    assert (image == ground).all()
    points = figure(scale)[0, :, :2]
    for number, (a, b) in enumerate(LIMBS):
        middle = ((points[a] + points[b]) / 2).astype(int)
        near = drawn[middle[1] - 1 : middle[1] + 2, middle[0] - 1 : middle[0] + 2].reshape(-1, 3)
        assert np.abs(near.astype(int) - color_of(number)).sum(axis=1).min() < 60
    painted = (drawn != image).any(axis=2).mean()
    assert 0.005 < painted < 0.15


def test_unsure_keypoints_take_their_limbs_with_them():
    image = np.full((80, 80, 3), 90, np.uint8)
    drawn = draw_skeletons(image, figure(1, (1, 1, 0.2)), LIMBS, threshold=0.2)
    np.testing.assert_array_equal(drawn[40:], image[40:])
    assert (drawn[:30] != image[:30]).any()
    none = draw_skeletons(image, figure(1, (0, 0, 0)), LIMBS)
    np.testing.assert_array_equal(none, image)
    np.testing.assert_array_equal(draw_skeletons(image, np.zeros((0, 3, 3)), LIMBS), image)


def test_without_limbs_the_dots_have_colours():
    image = np.full((80, 80, 3), 90, np.uint8)
    drawn = draw_skeletons(image, figure(1), np.zeros((0, 2), int)).astype(int)
    for number, (x, y, _) in enumerate(figure(1)[0].astype(int)):
        assert np.abs(drawn[y - 1 : y + 2, x - 1 : x + 2] - color_of(number)).sum(axis=2).min() < 60


def test_points_out_of_the_image_are_no_trouble():
    image = np.zeros((20, 20, 3), np.uint8)
    assert draw_skeletons(image, figure(1) - [30, 0, 0], LIMBS).any()


@pytest.mark.parametrize("far", [1e300, -1e300, np.inf, np.nan])
def test_a_keypoint_without_end(far):
    image = np.full((80, 80, 3), 128, np.uint8)
    points = figure(1.0)
    points[0, 2, 0] = far
    drawn = draw_skeletons(image, points, LIMBS)
    assert (drawn[10, 10] != 128).any()
