import numpy as np
import pytest

from densefit.data.sample import Sample
from densefit.data.transforms.crop import RandomCrop, RandomScaleCrop
from densefit.data.transforms.mask_crop import RandomMaskCrop
from densefit.data.transforms.resize import Letterbox
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
        crop = RandomScaleCrop(*size, 0.5, 2.0, relative_to="photograph")
        after = crop(sample, np.random.default_rng(seed))
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


def photograph(height, width):
    """The same scene at any resolution: 48 objects, a tenth of the height each."""
    y, x = np.mgrid[0.06:0.94:6j, 0.06:0.94:8j]
    centres = np.stack([x.ravel(), y.ravel()], axis=1) * (width, height)
    boxes = np.hstack([centres - 0.05 * height, centres + 0.05 * height]).astype(np.float32)
    image = np.zeros((height, width, 3), np.uint8)
    mask = np.zeros((height, width), np.uint8)
    return Sample("s", image, {"boxes": boxes, "classes": np.arange(48), "mask": mask})


@pytest.mark.parametrize("kind", [RandomScaleCrop, RandomMaskCrop])
def test_objects_are_as_large_whatever_the_resolution_of_the_photograph(kind):
    crop = kind(96, 128, 0.75, 1.5)
    for seed in range(20):
        found = []
        for height in (75, 300, 1500):
            rng = np.random.default_rng(seed)
            # of 75 x 100 pixels, 0.65 pixels of rounding in the window are a percent of the scale
            after = crop(photograph(height, height * 4 // 3), rng)
            boxes = after.targets["boxes"]
            whole = (boxes[:, :2] > 1).all(axis=1) & (boxes[:, 2:] < (127, 95)).all(axis=1)
            sides = (boxes[:, 2:] - boxes[:, :2])[whole]
            found.append((len(boxes), sides.mean() if len(sides) else 0.0))
        counts, sizes = zip(*found)
        assert max(counts) - min(counts) <= 9, counts  # at most a row of eight at the edge
        assert np.ptp([size for size in sizes if size]) < 0.3
        assert 0.74 * 9.6 < max(sizes) < 1.52 * 9.6


def test_a_scale_of_one_shows_the_photograph_as_it_is_scored():
    fitted = Letterbox(96, 96)(photograph(300, 400), np.random.default_rng(0))
    crop = RandomScaleCrop(64, 64, 1.0, 1.0, input_size=(96, 96))
    after = crop(photograph(300, 400), np.random.default_rng(0))
    assert after.image.shape == (64, 64, 3)
    assert np.allclose(np.diag(after.geometry.matrix), np.diag(fitted.geometry.matrix), rtol=0.01)


def test_scales_of_the_photographs_own_pixels():
    crop = RandomScaleCrop(64, 64, 0.5, 0.5, relative_to="photograph")
    for height in (200, 400):
        matrix = crop(photograph(height, height), np.random.default_rng(0)).geometry.matrix
        assert np.allclose(matrix[:, :2], 0.5 * np.eye(2))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"relative_to": "image"}, "'input' or 'photograph'"),
        ({"input_size": (64,)}, "a height and a width"),
        ({"input_size": (64, 0)}, "positive whole numbers"),
    ],
)
def test_settings_of_scale(settings, message):
    with pytest.raises(ConfigError, match=message):
        RandomScaleCrop(10, 10, **settings)


def test_a_checkpoint_is_told_what_scales_refer_to():
    ours = repr(RandomScaleCrop(64, 48, 0.5, 2.0, input_size=(96, 96)))
    assert ours == "RandomScaleCrop(64, 48, 0.5, 2.0, relative_to='input', input_size=(96, 96))"
    # what training did before scales could refer to the input
    before = repr(RandomScaleCrop(64, 48, 0.5, 2.0, relative_to="photograph"))
    assert before == "RandomScaleCrop(64, 48, 0.5, 2.0)"
