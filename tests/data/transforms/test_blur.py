import numpy as np
import pytest

from densefit.data.sample import Sample
from densefit.data.transforms.blur import RandomBlur, RandomMotionBlur, line
from densefit.errors import ConfigError


def dot(size=41):
    image = np.zeros((size, size, 3), np.uint8)
    image[size // 2, size // 2] = 255
    return Sample("s", image, {})


def spread(image):
    """Mean and covariance of where the light is, x and y."""
    weights = image[..., 0].astype(float)
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    places = np.stack([x.ravel(), y.ravel()])
    return places @ weights.ravel() / weights.sum(), np.cov(
        places, aweights=weights.ravel(), ddof=0
    )


def test_the_blur_has_the_standard_deviation_that_was_asked_for():
    image = np.zeros((41, 41, 3), np.uint8)
    image[14:27, 14:27] = 250  # a variance of (13^2 - 1) / 12 = 14
    after = RandomBlur(2.0, 2.0, p=1.0)(Sample("s", image, {}), np.random.default_rng(0)).image
    middle, covariance = spread(after)
    np.testing.assert_allclose(middle, 20, atol=0.01)
    np.testing.assert_allclose(covariance, np.diag([18, 18]), atol=0.4)


@pytest.mark.parametrize("angle", [0.0, 0.4, np.pi / 2, 2.5])
@pytest.mark.parametrize("length", [1.0, 2.5, 9.0, 14.2])
def test_a_line_is_as_long_as_it_is_said_and_points_there(length, angle):
    kernel = line(length, angle)
    assert kernel.sum() == pytest.approx(1, abs=1e-5)
    assert kernel.shape[0] == kernel.shape[1]
    assert kernel.shape[0] % 2 == 1
    middle, covariance = spread(kernel[..., None])
    np.testing.assert_allclose(middle, kernel.shape[0] // 2, atol=1e-5)
    direction = np.array([np.cos(angle), np.sin(angle)])
    along, across = direction, direction[::-1] * (-1, 1)
    # Along: that of the line, and what sharing among pixels adds (at most 1/4), which is all that
    # there is across.
    variance = (length - 1) ** 2 / 12
    assert -0.02 <= along @ covariance @ along - variance <= 0.4 + 0.1 * variance
    assert across @ covariance @ across <= 0.3


def test_motion_keeps_brightness_and_blurs():
    image = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    after = RandomMotionBlur(11, p=1.0)(Sample("s", image, {}), np.random.default_rng(1)).image
    assert abs(after.mean() - image.mean()) < 2
    assert after.std() < 0.8 * image.std()


@pytest.mark.parametrize("kind", [RandomBlur, RandomMotionBlur])
def test_how_often(kind):
    changed = sum(
        kind(p=0.3)(sample, np.random.default_rng(seed)) is not sample
        for seed in range(300)
        for sample in [dot(9)]
    )
    assert 60 < changed < 120


def test_bad_settings():
    with pytest.raises(ConfigError, match="low=0"):
        RandomBlur(0)
    with pytest.raises(ConfigError, match="length"):
        RandomMotionBlur(0.5)
