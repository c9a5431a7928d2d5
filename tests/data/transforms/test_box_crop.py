import numpy as np
import pytest

from densefit.data.sample import Sample
from densefit.data.transforms.box_crop import RandomBoxCrop, RandomExpand
from densefit.errors import ConfigError


@pytest.fixture
def sample():
    image = np.random.default_rng(0).integers(0, 256, (90, 120, 3), np.uint8)
    boxes = np.array([[10, 10, 50, 60], [60, 20, 110, 80]], np.float32)
    return Sample("s", image, {"boxes": boxes, "classes": np.arange(2)})


def window(after):
    """The crop's window in original coordinates."""
    x, y = -after.geometry.matrix[:, 2]
    height, width = after.geometry.input_size
    return np.array([x, y, x + width, y + height])


def iou(a, b):
    sides = np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2])
    shared = np.prod(np.maximum(sides, 0))
    return shared / (np.prod(a[2:] - a[:2]) + np.prod(b[2:] - b[:2]) - shared)


def test_expand_keeps_pixels_and_moves_boxes(sample):
    ratios = []
    for seed in range(20):
        after = RandomExpand(3.0, p=1.0)(sample, np.random.default_rng(seed))
        x, y = after.geometry.matrix[:, 2].astype(int)
        np.testing.assert_array_equal(after.image[y : y + 90, x : x + 120], sample.image)
        np.testing.assert_allclose(
            after.targets["boxes"], sample.targets["boxes"] + np.array([x, y, x, y])
        )
        ratios.append(after.image.shape[1] / 120)
    assert 1.0 <= min(ratios) < 1.5
    assert 2.5 < max(ratios) <= 3.01
    assert RandomExpand(p=0.0)(sample, np.random.default_rng(0)) is sample


def test_the_canvas_of_a_large_photograph_stays_small():
    image = np.zeros((3000, 4000, 3), np.uint8)
    boxes = np.array([[1000, 300, 3000, 2400]], np.float32)
    large = Sample("l", image, {"boxes": boxes, "classes": np.zeros(1, int)})
    for seed in range(4):
        after = RandomExpand(4.0, p=1.0)(large, np.random.default_rng(seed))
        ratio = np.random.default_rng(seed)
        ratio.random()
        ratio = ratio.uniform(1, 4)
        height, width = after.image.shape[:2]
        assert 0.99 * min(2**24, 12e6 * ratio**2) < height * width <= 2**24
        side = after.targets["boxes"][0, 2] - after.targets["boxes"][0, 0]
        assert side / width == pytest.approx(2000 / 4000 / ratio, rel=2e-3)


@pytest.mark.parametrize("min_iou", [0.1, 0.5, 0.7])
def test_windows_meet_the_iou_and_keep_boxes_by_centre(sample, min_iou):
    cropped = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        choice = int(np.random.default_rng(seed).integers(3))
        after = RandomBoxCrop((min_iou,))(sample, rng)
        if after is sample:
            continue
        cropped += 1
        cut = window(after)
        assert cut.min() >= 0
        assert (cut[2:] <= (120, 90)).all()
        boxes = sample.targets["boxes"]
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2
        inside = ((centres >= cut[:2]) & (centres <= cut[2:])).all(axis=1)
        assert inside.any()
        np.testing.assert_array_equal(after.targets["classes"], np.flatnonzero(inside))
        if choice == 2:
            assert max(iou(cut, box) for box in boxes[inside]) >= min_iou
        proportions = (cut[2] - cut[0]) / 120 / ((cut[3] - cut[1]) / 90)
        assert 0.45 < proportions < 2.2
    assert cropped > 10


@pytest.mark.parametrize("min_scale", [0.3, 0.55, 1.0])
def test_windows_have_the_sides_and_proportions_that_are_stated(min_scale):
    image = np.zeros((300, 200, 3), np.uint8)
    sample = Sample("s", image, {"boxes": np.array([[80, 120, 120, 180]], np.float32)})
    transform, cuts, whole = RandomBoxCrop((0.0,), min_scale), [], 0
    for seed in range(400):
        after = transform(sample, np.random.default_rng(seed))
        whole += after is sample
        cuts.append(window(after))
    assert 90 < whole < 180  # one in three
    cuts = np.array(cuts)
    shares = (cuts[:, 2:] - cuts[:, :2]) / (200, 300)
    assert shares.min() >= min_scale
    assert shares.max() <= 1
    assert shares.min() < min_scale + 0.06
    proportions = shares[:, 0] / shares[:, 1]
    assert 0.49 <= proportions.min()
    assert proportions.max() <= 2.04
    assert ((cuts[:, :2] <= (100, 150)) & (cuts[:, 2:] >= (100, 150))).all()


def test_a_minimum_is_no_minimum_of_one_choice_in_all(sample):
    """Of six choices: the whole picture, any overlap, and four minima."""
    low = 0
    for seed in range(300):
        after = RandomBoxCrop((0.6, 0.7, 0.8, 0.9))(sample, np.random.default_rng(seed))
        cut = window(after)
        low += max(iou(cut, box) for box in sample.targets["boxes"]) < 0.6 and after is not sample
    assert 10 < low < 50


def test_no_boxes_and_no_fitting_window_leave_the_sample_alone(sample):
    empty = Sample("e", sample.image, {"boxes": np.zeros((0, 4), np.float32)})
    assert all(RandomBoxCrop()(empty, np.random.default_rng(s)) is empty for s in range(9))
    tiny = Sample("t", sample.image, {"boxes": np.array([[1, 1, 3, 3]], np.float32)})
    for seed in range(20):
        if int(np.random.default_rng(seed).integers(3)) == 2:
            assert RandomBoxCrop((0.9,))(tiny, np.random.default_rng(seed)) is tiny


def test_bad_settings():
    with pytest.raises(ConfigError, match="min_ious"):
        RandomBoxCrop((1.5,))
    with pytest.raises(ConfigError, match="min_scale=0"):
        RandomBoxCrop(min_scale=0)
    with pytest.raises(ConfigError, match="max_ratio"):
        RandomExpand(0.5)
