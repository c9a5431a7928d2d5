import numpy as np
import pytest

from densefit.data.sample import Sample
from densefit.data.transforms.flip import RandomFlip, RandomRotate90
from densefit.errors import ConfigError


@pytest.fixture
def sample():
    image = np.random.default_rng(0).integers(0, 256, (10, 14, 3), np.uint8)
    return Sample("s", image, {"boxes": np.array([[1, 2, 5, 8]], np.float32)})


def test_always_and_never(sample):
    rng = np.random.default_rng(0)
    flipped = RandomFlip(1.0)(sample, rng)
    np.testing.assert_array_equal(flipped.image, sample.image[:, ::-1])
    np.testing.assert_array_equal(flipped.targets["boxes"], [[9, 2, 13, 8]])
    upside = RandomFlip(1.0, vertical=True)(sample, rng)
    np.testing.assert_array_equal(upside.image, sample.image[::-1])
    np.testing.assert_array_equal(upside.targets["boxes"], [[1, 2, 5, 8]])
    assert RandomFlip(0.0)(sample, rng) is sample


def test_half_the_time(sample):
    rng = np.random.default_rng(1)
    flip = RandomFlip()
    assert 60 < sum(flip(sample, rng) is sample for _ in range(160)) < 100


def test_quarter_turns_are_all_taken(sample):
    rng = np.random.default_rng(0)
    seen = set()
    for _ in range(40):
        turned = RandomRotate90()(sample, rng).image
        seen |= {k for k in range(4) if np.array_equal(turned, np.rot90(sample.image, k))}
    assert seen == {0, 1, 2, 3}


def test_bad_probability():
    with pytest.raises(ConfigError, match="'p' is out of range"):
        RandomFlip(1.5)
