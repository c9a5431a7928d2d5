import numpy as np
import pytest

from densefit.data.sample import Sample
from densefit.data.transforms.crop import RandomScaleCrop
from densefit.data.transforms.mask_crop import RandomMaskCrop
from densefit.errors import ConfigError, DataError


def picture():
    """Mostly class 0, a strip of class 1, and nine pixels of class 2."""
    mask = np.zeros((60, 80), np.uint8)
    mask[40:] = 1
    mask[4:7, 70:73] = 2
    mask[:3, :3] = 255
    return Sample("s", np.stack([mask] * 3, axis=2), {"mask": mask})


def shares(transform, count=200):
    found = []
    for seed in range(count):
        mask = transform(picture(), np.random.default_rng(seed)).targets["mask"]
        classes = np.bincount(mask[mask != 255], minlength=3)
        found.append(classes / classes.sum())
    return np.array(found)


def test_no_class_has_more_than_its_share():
    plain = shares(RandomScaleCrop(24, 24, 1.0, 1.0, relative_to="photograph"))
    limited = shares(
        RandomMaskCrop(24, 24, 1.0, 1.0, relative_to="photograph", max_share=0.75, attempts=100)
    )
    assert (plain.max(axis=1) > 0.75).mean() > 0.5
    assert (limited.max(axis=1) <= 0.75).all()


def test_a_limit_that_no_window_keeps_is_given_up():
    mask = np.full((60, 80), 4, np.uint8)
    after = RandomMaskCrop(24, 24)(
        Sample("s", np.stack([mask] * 3, axis=2), {"mask": mask}), np.random.default_rng(0)
    )
    assert after.image.shape == (24, 24, 3)


def test_rare_classes_are_seen_more_often():
    plain = shares(RandomMaskCrop(16, 16, 1.0, 1.0, relative_to="photograph", max_share=1.0))
    focused = shares(
        RandomMaskCrop(16, 16, 1.0, 1.0, relative_to="photograph", max_share=1.0, focus=1.0)
    )
    assert (plain[:, 2] > 0).mean() < 0.15
    assert 0.25 < (focused[:, 2] > 0).mean() < 0.45  # one time in three, and by chance


@pytest.mark.parametrize("focus", [0.0, 1.0])
def test_all_places_of_the_picture_are_reached(focus):
    transform = RandomMaskCrop(
        58, 78, 1.0, 1.0, relative_to="photograph", max_share=1.0, focus=focus
    )
    corners = {
        tuple(transform(picture(), np.random.default_rng(seed)).geometry.matrix[:, 2].tolist())
        for seed in range(120)
    }
    assert corners <= {(-float(x), -float(y)) for x in range(3) for y in range(3)}
    assert corners >= {(-float(x), -float(y)) for x in (0, 2) for y in (0, 2)}


def test_without_a_mask_it_is_the_plain_crop():
    sample = picture()
    sample.targets.clear()
    found = RandomMaskCrop(24, 30)(sample, np.random.default_rng(3))
    expected = RandomScaleCrop(24, 30)(sample, np.random.default_rng(3))
    np.testing.assert_array_equal(found.image, expected.image)


def test_a_picture_of_nothing_but_void():
    mask = np.full((30, 30), 255, np.uint8)
    sample = Sample("s", np.stack([mask] * 3, axis=2), {"mask": mask})
    after = RandomMaskCrop(16, 16, focus=1.0)(sample, np.random.default_rng(0))
    assert (after.targets["mask"] == 255).all()


def test_errors():
    sample = picture()
    sample.targets["mask"] = sample.targets["mask"][1:]
    with pytest.raises(DataError, match=r"'mask'[\s\S]*sample 's'"):
        RandomMaskCrop(16, 16)(sample, np.random.default_rng(0))
    with pytest.raises(ConfigError, match="attempts=0"):
        RandomMaskCrop(16, 16, attempts=0)
    with pytest.raises(ConfigError, match="max_share"):
        RandomMaskCrop(16, 16, max_share=1.5)
