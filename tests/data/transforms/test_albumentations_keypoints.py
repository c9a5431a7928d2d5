"""Where Albumentations moves the pixels of a point, there is the point."""

import os

import numpy as np
import pytest

from densefit.data.sample import Sample
from densefit.data.transforms.albumentations import Albumentations

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it would ask the network at import

H, W = 90, 120
#: Members that move pixels by one map of the plane, and settings with which they do.
MEMBERS = {
    "Affine": {"scale": (1.6, 2.0), "rotate": (-20, 20), "translate_percent": 0.05},
    "CenterCrop": {"height": 70, "width": 90},
    "CropAndPad": {"percent": -0.1},
    "D4": {},
    "HorizontalFlip": {},
    "LongestMaxSize": {"max_size": 363},
    "Pad": {"padding": 13},
    "Perspective": {"scale": (0.05, 0.1)},
    "RandomCrop": {"height": 70, "width": 90},
    "RandomResizedCrop": {"size": (303, 397), "scale": (0.6, 0.9)},
    "RandomScale": {"scale_limit": (1.5, 2.0)},
    "RandomSizedCrop": {"min_max_height": (60, 80), "size": (240, 320)},
    "RandomSizedBBoxSafeCrop": {"height": 240, "width": 320},
    "Resize": {"height": 77, "width": 420},
    "Rotate": {"limit": (20, 60)},
    "ShiftScaleRotate": {"scale_limit": (0.5, 0.8)},
    "SmallestMaxSize": {"max_size": 227},
    "Transpose": {},
    "VerticalFlip": {},
}


@pytest.fixture(scope="module")
def package():
    return pytest.importorskip("albumentations", minversion="1.4.19")


def blob(x, y):
    """A picture that is black but for 9 x 9 pixels, and a keypoint in their middle."""
    image = np.zeros((H, W, 3), np.uint8)
    image[y - 4 : y + 5, x - 4 : x + 5] = 255
    targets = {
        "boxes": np.array([[x - 4, y - 4, x + 5, y + 5]], np.float32),
        "keypoints": np.array([[[x + 0.5, y + 0.5, 2]]], np.float32),
        "keypoint_flip": np.arange(1),
    }
    return Sample("s", image, targets)


def middle_of(image):
    """(x, y) of what is bright, None where an edge cuts it."""
    bright = image[..., 0].astype(np.float64)
    rows, columns = np.nonzero(bright > 60)
    edges = bright[0].any() or bright[-1].any() or bright[:, 0].any() or bright[:, -1].any()
    if not len(rows) or edges:
        return None
    y, x = np.indices(bright.shape) + 0.5
    return np.array([(x * bright).sum(), (y * bright).sum()]) / bright.sum()


@pytest.mark.parametrize("name", sorted(MEMBERS))
def test_a_blob_is_where_its_point_is(package, name):
    transform = Albumentations(package.Compose([getattr(package, name)(**MEMBERS[name], p=1)]))
    looked = 0
    for seed, place in enumerate([(40, 30), (60, 45), (75, 55), (58, 52), (50, 40), (66, 48)]):
        after = transform(blob(*place), np.random.default_rng(seed))
        middle = middle_of(after.image)
        if middle is None:
            continue
        looked += 1
        (((*point, seen),),) = after.targets["keypoints"]
        assert seen == 2
        np.testing.assert_allclose(point, middle, atol=0.2)
    assert looked > 2


def test_members_in_a_row_and_in_one_another(package):
    pipeline = package.Compose(
        [
            package.OneOf([package.Resize(350, 480, p=1)], p=1),
            package.HorizontalFlip(p=1),
            package.Sequential([package.RandomScale((0.3, 0.4), p=1)], p=1),
            package.Rotate((30, 40), p=1),
            package.Resize(80, 100),
        ]
    )
    transform = Albumentations(pipeline)
    for seed in range(4):
        after = transform(blob(62, 47), np.random.default_rng(seed))
        np.testing.assert_allclose(
            after.targets["keypoints"][0, 0, :2], middle_of(after.image), atol=0.3
        )


@pytest.mark.parametrize("factor", [0.5, 2, 4, 7.3])
def test_points_anywhere_inside_stay_labelled_and_exact(package, factor):
    """To the very edges: there, half a pixel too far is outside."""
    height, width = round(H * factor), round(W * factor)
    transform = Albumentations(package.Compose([package.Resize(height, width, p=1)]))
    sample = blob(20, 20)
    rng = np.random.default_rng(0)
    points = rng.uniform(0, (W, H), (1, 50, 2))
    points[0, :4] = [[0, 0], [W, H], [0.01, H], [W, 0.01]]
    sample.targets["keypoints"] = np.dstack([points, np.full((1, 50), 2)]).astype(np.float32)
    sample.targets["keypoint_flip"] = np.arange(50)
    after = transform(sample, rng).targets["keypoints"]
    assert (after[..., 2] == 2).all()
    np.testing.assert_allclose(after[..., :2], points * (width / W, height / H), atol=2e-3)


def test_a_keypoint_that_a_distortion_loses_is_no_longer_labelled(package):
    transform = Albumentations(
        package.Compose([package.GridDistortion(distort_limit=(0.8, 0.9), p=1)])
    )
    sample = blob(60, 45)
    rng = np.random.default_rng(0)
    points = rng.uniform(0, (W, H), (1, 200, 2))
    sample.targets["keypoints"] = np.dstack([points, np.full((1, 200), 2)]).astype(np.float32)
    sample.targets["keypoint_flip"] = np.arange(200)
    after = transform(sample, rng).targets["keypoints"]
    assert after.shape == (1, 200, 3)
    assert 0 < (after[..., 2] == 0).sum() < 150
    assert not after[after[..., 2] == 0].any()
