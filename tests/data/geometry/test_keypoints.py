"""Keypoints are checked as pixels: one pixel a point, moved with the picture."""

import numpy as np
import pytest

from densefit.data.geometry import target_kinds
from densefit.data.geometry.image_ops import crop, flip, resize, rotate90
from densefit.data.geometry.keypoints import is_swap, move_keypoints, swap_order
from densefit.data.sample import Sample
from densefit.data.transforms import (
    Letterbox,
    RandomBoxCrop,
    RandomExpand,
    RandomFlip,
    RandomRotate90,
    RandomScaleCrop,
    declare_target,
)
from densefit.errors import ConfigError, DataError

H, W, K = 48, 60, 5
FLIP = np.array([0, 2, 1, 4, 3])


@pytest.fixture
def sample():
    """Two objects; each labelled keypoint is the centre of a pixel of its own value in `dots`."""
    rng = np.random.default_rng(3)
    boxes = np.array([[2, 4, 26, 40], [28, 6, 58, 44]], np.float32)
    points = np.zeros((2, K, 3), np.float32)
    for row, (x1, y1, x2, y2) in zip(points, boxes.astype(int)):
        cells = rng.choice((x2 - x1) * (y2 - y1), K, replace=False)
        row[:, 0] = x1 + cells % (x2 - x1) + 0.5
        row[:, 1] = y1 + cells // (x2 - x1) + 0.5
        row[:, 2] = [2, 1, 2, 0, 2]
        row[row[:, 2] == 0] = 0
    dots = np.zeros((H, W), np.uint8)
    for number, (x, y, v) in enumerate(points.reshape(-1, 3), 1):
        if v:
            dots[int(y), int(x)] = number
    image = rng.integers(0, 256, (H, W, 3), np.uint8)
    targets = {"boxes": boxes, "classes": np.zeros(2, np.int64), "mask": dots}
    return Sample("s", image, {**targets, "keypoints": points, "keypoint_flip": FLIP})


EXACT = {
    "mirror": lambda s: flip(s),
    "mirror top to bottom": lambda s: flip(s, vertical=True),
    "turn 1": lambda s: rotate90(s, 1),
    "turn 3": lambda s: rotate90(s, 3),
    "crop": lambda s: crop(s, 9, 7, 45, 33),
    "pad": lambda s: crop(s, -6, -3, 80, 60),
    "enlarge": lambda s: resize(s, 3 * H, 5 * W),
    "all": lambda s: resize(rotate90(flip(crop(s, 8, -4, 50, 50)), 1), 150, 250),
}
MIRRORS = {"mirror", "mirror top to bottom", "all"}


@pytest.mark.parametrize("name", EXACT)
def test_points_move_as_single_pixels_do(sample, name):
    moved = EXACT[name](sample)
    dots, points = moved.targets["mask"], moved.targets["keypoints"]
    assert points.dtype == np.float32
    kept = [i for i in range(2) if (moved.targets["boxes"].shape[0] == 2) or i == 1]
    assert len(points) == len(kept) == len(moved.targets["boxes"])
    for row, which in zip(points, kept):
        for place, (x, y, v) in enumerate(row):
            old = FLIP[place] if name in MIRRORS else place
            rows, columns = np.nonzero(dots == which * K + old + 1)
            if len(rows) == 0:
                assert (x, y, v) == (0, 0, 0)  # was not labelled, or left the picture
            else:
                middle = (columns.min() + columns.max() + 1) / 2, (rows.min() + rows.max() + 1) / 2
                np.testing.assert_allclose((x, y), middle, atol=1e-3)
                assert v == sample.targets["keypoints"][which, old, 2]


def test_the_crop_loses_some_points_and_keeps_others(sample):
    before, after = (s.targets["keypoints"][..., 2] > 0 for s in (sample, EXACT["crop"](sample)))
    assert 0 < after.sum() < before.sum()


@pytest.mark.parametrize("vertical", [False, True])
def test_mirrored_twice_is_the_same(sample, vertical):
    twice = flip(flip(sample, vertical), vertical)
    np.testing.assert_allclose(twice.targets["keypoints"], sample.targets["keypoints"], atol=1e-5)
    np.testing.assert_array_equal(twice.targets["keypoint_flip"], FLIP)


def test_half_a_turn_is_both_mirrors_and_swaps_nothing(sample):
    both = flip(flip(sample), vertical=True).targets["keypoints"]
    np.testing.assert_allclose(rotate90(sample, 2).targets["keypoints"], both, atol=1e-5)


def test_left_becomes_right(sample):
    before, after = sample.targets["keypoints"], flip(sample).targets["keypoints"]
    assert after[0, 2, 0] == W - before[0, 1, 0]
    assert after[0, 2, 2] == before[0, 1, 2] == 1


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(
    "transform",
    [
        Letterbox(40, 90),
        RandomFlip(),
        RandomRotate90(),
        RandomBoxCrop(),
        RandomExpand(p=1.0),
        RandomScaleCrop(40, 44),
    ],
    ids=repr,
)
def test_points_stay_where_the_geometry_says(sample, transform, seed):
    moved = transform(sample, np.random.default_rng(seed))
    points, matrix = moved.targets["keypoints"], moved.geometry.matrix
    assert len(points) == len(moved.targets["boxes"]) == len(moved.targets["classes"])
    labelled = points[..., 2] > 0
    assert (points[~labelled] == 0).all()
    height, width = moved.image.shape[:2]
    assert (points[..., :2] >= 0).all()
    assert (points[..., :2] <= (width, height)).all()
    back = moved.geometry.points_to_original(points[..., :2])
    whole = sample.targets["keypoints"]
    if np.linalg.det(matrix[:, :2]) < 0:
        whole = whole[:, FLIP]
    for row, seen in zip(back, labelled):
        error = np.abs(whole[..., :2] - row).max(axis=2)
        assert (error[:, seen].max(axis=1, initial=0) < 1e-3).any()  # all of one object


def test_unlabelled_points_stay_nothing():
    points = np.zeros((1, 2, 3), np.float32)
    points[0, 1] = (3, 4, 0)  # some files have places that are not labelled
    moved = move_keypoints(points, np.array([[2.0, 0, 5], [0, 2.0, 5]]), (50, 50))
    np.testing.assert_array_equal(moved, np.zeros((1, 2, 3)))


def test_a_point_on_the_edge_is_inside_and_rounding_does_not_lose_it():
    points = np.array([[[3.0, 7.0, 2.0], [0.0, 0.0, 1.0]]], np.float32)
    matrix = np.array([[0.1 / 0.3, 0, 1e-9], [0, 1 / 7 + 1e-9, 0]])
    moved = move_keypoints(points, matrix, (1, 1))
    np.testing.assert_allclose(moved, [[[1, 1, 2], [0, 0, 1]]], atol=1e-6)


@pytest.mark.parametrize(
    "order", [None, np.arange(4), np.array([0, 1, 2, 3, 5]), np.array([1, 2, 0, 3, 4])]
)
def test_a_mirrored_sample_must_say_what_changes_places(sample, order):
    if order is None:
        del sample.targets["keypoint_flip"]
    else:
        sample.targets["keypoint_flip"] = order
    with pytest.raises(DataError, match=r"mirrored image[\s\S]*'keypoint_flip'[\s\S]*'s'"):
        flip(sample)
    assert crop(sample, 0, 0, W, H).targets["keypoints"].shape == (2, K, 3)


def test_one_row_for_each_box(sample):
    sample.targets["keypoints"] = sample.targets["keypoints"][:1]
    with pytest.raises(DataError, match=r"'keypoints'[\s\S]*2 rows"):
        flip(sample)


def test_keypoints_of_another_name(sample, monkeypatch):
    monkeypatch.setattr(target_kinds, "KINDS", dict(target_kinds.KINDS))
    declare_target("hands", "keypoints", flip="hands_flip")
    declare_target("hands_flip", "plain")
    sample.targets["hands"] = sample.targets["keypoints"][:, :2]
    sample.targets["hands_flip"] = np.array([1, 0])
    moved = flip(sample).targets
    np.testing.assert_array_equal(moved["hands"][:, ::-1], moved["keypoints"][:, [0, 2]])
    for kind, order in (("keypoints", ""), ("map", "hands_flip")):
        with pytest.raises(ConfigError, match="need `flip`, and nothing else"):
            declare_target("feet", kind, flip=order)


def test_orders():
    np.testing.assert_array_equal(swap_order(5, [(1, 2), (4, 3)]), FLIP)
    np.testing.assert_array_equal(swap_order(3, []), [0, 1, 2])
    assert is_swap(FLIP, 5)
    assert not is_swap(FLIP.astype(float), 5)
    assert not is_swap(FLIP, 4)
    assert not is_swap(-FLIP, 5)
