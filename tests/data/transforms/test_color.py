import colorsys

import numpy as np
import pytest

from densefit.data.sample import Sample
from densefit.data.transforms.color import ColorJitter, RandomGray, colour_matrix
from densefit.errors import ConfigError


def apply(matrix, colour):
    return matrix[:, :3] @ np.asarray(colour, float) + matrix[:, 3]


def test_nothing_changes_nothing():
    np.testing.assert_allclose(colour_matrix(1, 1, 1, 0, 100), np.eye(3, 4), atol=1e-12)
    image = np.random.default_rng(0).integers(0, 256, (8, 8, 3), np.uint8)
    after = ColorJitter(0, 0, 0, 0)(Sample("s", image, {}), np.random.default_rng(0))
    np.testing.assert_array_equal(after.image, image)


def test_each_part_does_what_it_is_called():
    colour = [120, 60, 30]
    luma = 0.299 * 120 + 0.587 * 60 + 0.114 * 30
    np.testing.assert_allclose(apply(colour_matrix(1.5, 1, 1, 0, 9), colour), [180, 90, 45])
    np.testing.assert_allclose(apply(colour_matrix(1, 0.5, 1, 0, 100), colour), [110, 80, 65])
    np.testing.assert_allclose(apply(colour_matrix(1, 1, 0, 0, 9), colour), [luma] * 3)


@pytest.mark.parametrize("turn", [0.05, -0.1, 1 / 3])
def test_hue_turns_and_grey_stays(turn):
    matrix = colour_matrix(1, 1, 1, turn, 100)
    np.testing.assert_allclose(apply(matrix, [90, 90, 90]), [90, 90, 90], atol=1e-9)
    moved = apply(matrix, [140, 100, 100])
    assert np.isclose(moved @ [0.299, 0.587, 0.114], 140 * 0.299 + 100 * 0.701, atol=0.1)
    hue = colorsys.rgb_to_hsv(*moved / 255)[0]
    # YIQ's circle is not quite HSV's, but close to it.
    assert abs((hue - turn + 0.5) % 1 - 0.5) < 0.06


def test_targets_stay_and_chance_comes_from_the_generator():
    image = np.full((8, 8, 3), (200, 100, 50), np.uint8)
    sample = Sample("s", image, {"mask": image[..., 0]})
    jitter = ColorJitter(0.4, 0.4, 0.4, 0.1)
    first, again, other = (jitter(sample, np.random.default_rng(s)).image for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()
    assert (sample.image == image).all()
    assert jitter(sample, np.random.default_rng(1)).targets is sample.targets


def test_bad_settings():
    with pytest.raises(ConfigError, match="hue"):
        ColorJitter(hue=0.7)


def test_grey_has_the_luma_in_all_channels():
    rng = np.random.default_rng(0)
    sample = Sample("s", rng.integers(0, 256, (20, 20, 3), np.uint8), {})
    grey = RandomGray(p=1.0)(sample, rng).image
    expected = sample.image @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(grey, np.stack([expected] * 3, axis=2), atol=1)
    assert RandomGray(p=0.0)(sample, rng) is sample
