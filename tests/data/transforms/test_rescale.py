import numpy as np
import pytest

from densefit.data.sample import Sample
from densefit.data.transforms.rescale import RandomScale, ResizeSide
from densefit.errors import ConfigError

RNG = np.random.default_rng(0)


def size_after(transform, height, width, rng=RNG):
    sample = Sample("s", np.zeros((height, width, 3), np.uint8), {})
    return transform(sample, rng).image.shape[:2]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"short": 30}, (30, 60)),
        ({"long": 30}, (15, 30)),
        ({"short": 30, "long": 50}, (25, 50)),
        ({"short": 30, "long": 90}, (30, 60)),
    ],
)
def test_sides(settings, expected):
    assert size_after(ResizeSide(**settings), 20, 40) == expected
    assert size_after(ResizeSide(**settings), 40, 20) == expected[::-1]


def test_a_scale_is_in_its_range_and_as_often_above_one_as_below():
    sides = [
        size_after(RandomScale(0.5, 2.0), 100, 60, np.random.default_rng(seed))
        for seed in range(200)
    ]
    heights, widths = np.transpose(sides)
    assert 50 <= heights.min() < 55
    assert 185 < heights.max() <= 200
    assert 70 < (heights < 100).sum() < 130
    np.testing.assert_allclose(widths, heights * 0.6, atol=0.8)


def test_bad_settings():
    for settings in ({}, {"short": 0}, {"long": 2.5}):
        with pytest.raises(ConfigError, match="ResizeSide"):
            ResizeSide(**settings)
    with pytest.raises(ConfigError, match="low=2"):
        RandomScale(2, 1)
