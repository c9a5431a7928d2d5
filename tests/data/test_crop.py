import numpy as np
import pytest

from densefit.data.crop import RandomCrop, RandomScaleCrop
from densefit.data.sample import Sample
from densefit.errors import ConfigError


def ramp(height, width):
    """Red is x, green is y, so that each pixel tells where it comes from."""
    y, x = np.mgrid[:height, :width]
    image = np.stack([x, y, np.full_like(x, 50)], axis=2).astype(np.uint8)
    boxes = np.array([[10, 10, 40, 30], [50, 40, 90, 70]], np.float32)
    return Sample("s", image, {"boxes": boxes, "classes": np.arange(2), "mask": image[..., 0]})


@pytest.mark.parametrize("size", [(64, 48), (200, 300)])
def test_pixels_lie_where_the_geometry_says(size):
    sample, scales = ramp(100, 120), []
    for seed in range(30):
        after = RandomScaleCrop(*size, 0.5, 2.0)(sample, np.random.default_rng(seed))
        assert after.image.shape == size + (3,)
        matrix = after.geometry.matrix
        scales.append(matrix[0, 0])
        y, x = np.nonzero(after.targets["mask"] != 255)
        if not len(x):
            continue
        source_x = (x + 0.5 - matrix[0, 2]) / matrix[0, 0] - 0.5
        source_y = (y + 0.5 - matrix[1, 2]) / matrix[1, 1] - 0.5
        inner = (abs(source_x - 59.5) < 57) & (abs(source_y - 49.5) < 47)
        assert np.abs(after.image[y, x, 0][inner] - source_x[inner]).max() < 1.5
        assert np.abs(after.image[y, x, 1][inner] - source_y[inner]).max() < 1.5
        assert np.abs(after.targets["mask"][y, x][inner] - source_x[inner]).max() < 1.01
    assert min(scales) < 0.7
    assert max(scales) > 1.7


def test_boxes_agree_with_the_image():
    sample = ramp(100, 120)
    for seed in range(20):
        after = RandomScaleCrop(80, 80)(sample, np.random.default_rng(seed))
        back = after.geometry.boxes_to_original(after.targets["boxes"])
        original = sample.targets["boxes"][after.targets["classes"]]
        assert (back[:, :2] >= original[:, :2] - 1e-3).all()
        assert (back[:, 2:] <= original[:, 2:] + 1e-3).all()


def test_a_smaller_picture_lies_whole_in_the_window():
    after = RandomCrop(150, 160)(ramp(100, 120), np.random.default_rng(3))
    assert (after.targets["mask"] != 255).sum() == 100 * 120
    assert len(after.targets["boxes"]) == 2
    assert (after.image[after.targets["mask"] == 255] == 114).all()


def test_crop_reaches_all_corners():
    offsets = [
        RandomCrop(98, 118)(ramp(100, 120), np.random.default_rng(seed)).geometry.matrix[:, 2]
        for seed in range(80)
    ]
    assert {tuple(-o) for o in offsets} == {(x, y) for x in range(3) for y in range(3)}


def test_bad_scales():
    with pytest.raises(ConfigError, match="low=2"):
        RandomScaleCrop(10, 10, 2, 1)
