import numpy as np
import pytest

from densefit.data.sample import Sample
from densefit.data.transforms.noise import RandomJPEG, RandomNoise
from densefit.errors import ConfigError


def flat(colour, size=64):
    return Sample("s", np.full((size, size, 3), colour, np.uint8), {})


def test_noise_has_no_bias_and_at_most_its_deviation():
    deviations = []
    for seed in range(40):
        after = RandomNoise(20, p=1.0)(flat(128), np.random.default_rng(seed)).image.astype(float)
        assert abs(after.mean() - 128) < 1
        deviations.append(after.std())
    assert max(deviations) < 20.5
    assert max(deviations) > 17
    assert min(deviations) < 3


def test_noise_does_not_wrap_around():
    for colour in (0, 255):
        after = RandomNoise(20, p=1.0)(flat(colour), np.random.default_rng(0)).image
        assert abs(after.astype(int) - colour).max() < 128


def test_jpeg_keeps_colours_in_their_order_and_loses_more_at_a_lower_quality():
    red = RandomJPEG(50, 50, p=1.0)(flat((200, 40, 10)), np.random.default_rng(0)).image
    np.testing.assert_allclose(red.mean(axis=(0, 1)), (200, 40, 10), atol=4)
    rng = np.random.default_rng(1)
    picture = Sample("s", rng.integers(0, 256, (64, 64, 3), np.uint8), {})
    lost = [
        np.abs(RandomJPEG(q, q, p=1.0)(picture, rng).image.astype(int) - picture.image).mean()
        for q in (95, 50, 10)
    ]
    assert 0 < lost[0] < lost[1] < lost[2]


def test_brightness_survives_better_than_colour():
    """As JPEG does it: were red and blue exchanged on the way, blue would look brighter."""
    y, x = np.mgrid[:64, :64]
    blue = np.zeros((64, 64, 3), np.uint8)
    blue[..., 2] = 255 * ((x + y) % 2)  # fine detail in blue: little brightness, so it is lost
    green = np.roll(blue, 2, axis=2)
    kept = [
        RandomJPEG(40, 40, p=1.0)(Sample("s", image, {}), np.random.default_rng(0)).image.std()
        for image in (blue, green)
    ]
    assert kept[0] < kept[1]


@pytest.mark.parametrize("kind", [RandomNoise, RandomJPEG])
def test_how_often(kind):
    sample = flat(9, 8)
    changed = sum(
        kind(p=0.3)(sample, np.random.default_rng(seed)) is not sample for seed in range(300)
    )
    assert 60 < changed < 120


def test_bad_settings():
    for low, high in ((0, 50), (60, 50), (50, 101)):
        with pytest.raises(ConfigError, match=f"low={low}"):
            RandomJPEG(low, high)
    with pytest.raises(ConfigError, match="sigma"):
        RandomNoise(-1)
