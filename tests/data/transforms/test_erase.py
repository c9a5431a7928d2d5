import numpy as np
import pytest

from densefit.data.sample import Sample
from densefit.data.transforms.erase import Cutout, RandomErase, erase_windows
from densefit.errors import ConfigError

H, W = 40, 60


@pytest.fixture
def sample():
    targets = {
        "mask": np.full((H, W), 3, np.uint8),
        "depth": np.full((H, W), 7, np.float32),
        "normals": np.ones((H, W, 3), np.float32),
        "instances": np.full((H, W), 5, np.uint16),
        "boxes": np.array([[0, 0, W, H]], np.float32),
        "instance_ids": np.array([5]),
        "keypoints": np.array([[[11, 11, 2], [12.5, 13, 1], [30, 30, 2], [0, 0, 0]]], np.float32),
        "keypoint_flip": np.arange(4),
    }
    return Sample("s", np.full((H, W, 3), 50, np.uint8), targets)


def covered(before, after):
    return (after.image != before.image).any(axis=2)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("kind", [Cutout, RandomErase])
def test_maps_say_nothing_of_what_is_covered(sample, kind, seed):
    after = kind(p=1.0)(sample, np.random.default_rng(seed))
    there = covered(sample, after)
    assert there.any()
    unknown = {"mask": (255, 3), "depth": (0, 7), "normals": (0, 1), "instances": (65535, 5)}
    for name, (nothing, before) in unknown.items():
        array = after.targets[name]
        assert array.dtype == sample.targets[name].dtype
        value = array if array.ndim == 2 else array[..., 0]
        np.testing.assert_array_equal(value, np.where(there, nothing, before), err_msg=name)
        assert (sample.targets[name] != nothing).all()  # the sample itself is not changed
    np.testing.assert_array_equal(after.targets["boxes"], sample.targets["boxes"])


def test_maps_may_stay(sample):
    for kind in (Cutout, RandomErase):
        after = kind(p=1.0, targets="keep")(sample, np.random.default_rng(0))
        for name in ("mask", "depth", "instances"):
            assert after.targets[name] is sample.targets[name]


def test_covered_keypoints_are_hidden(sample):
    after = erase_windows(sample, [(10, 10, 20, 20)], [np.zeros(3, np.uint8)], "void")
    expected = sample.targets["keypoints"].copy()
    expected[0, 0, 2] = 1
    np.testing.assert_array_equal(after.targets["keypoints"], expected)


@pytest.mark.parametrize("point", [(W, H), (W, 35), (55, H), (W - 1e-4, 38)])
def test_keypoints_on_the_far_edges_are_covered_with_the_last_pixels(sample, point):
    sample.targets["keypoints"][0, 0, :2] = point
    after = erase_windows(sample, [(50, 30, W, H)], [np.zeros(3, np.uint8)], "void")
    assert after.targets["keypoints"][0, 0, 2] == 1
    beside = erase_windows(sample, [(50, 30, W - 1, H - 1)], [np.zeros(3, np.uint8)], "void")
    hidden = point[0] < W - 1 and point[1] < H - 1
    assert beside.targets["keypoints"][0, 0, 2] == (1 if hidden else 2)


def test_a_cutout_is_a_square_around_any_pixel(sample):
    seen = np.zeros((H, W), int)
    for seed in range(300):
        there = covered(sample, Cutout(0.25, p=1.0)(sample, np.random.default_rng(seed)))
        rows, columns = np.flatnonzero(there.any(axis=1)), np.flatnonzero(there.any(axis=0))
        assert there[rows][:, columns].all()
        assert len(rows) <= 10
        assert len(columns) <= 10
        seen += there
    assert (seen > 0).mean() > 0.98
    assert seen[0, 0] + seen[0, -1] + seen[-1, 0] + seen[-1, -1] > 0
    assert seen[15:25, 20:40].mean() == pytest.approx(300 * 100 / (H * W), rel=0.25)


def test_several_holes(sample):
    once = covered(sample, Cutout(0.2, p=1.0)(sample, np.random.default_rng(0))).sum()
    many = covered(sample, Cutout(0.2, holes=6, p=1.0)(sample, np.random.default_rng(0))).sum()
    assert once <= 64
    assert 64 < many <= 6 * 64


def test_erased_rectangles_are_of_the_sizes_and_shapes_that_were_asked_for(sample):
    shares, ratios = [], []
    for seed in range(200):
        after = RandomErase(0.1, 0.3, 0.5, p=1.0, targets="void")(
            sample, np.random.default_rng(seed)
        )
        rows, columns = np.nonzero(after.targets["mask"] == 255)
        height, width = np.ptp(rows) + 1, np.ptp(columns) + 1
        assert len(rows) == height * width
        shares.append(len(rows) / (H * W))
        ratios.append(height / width)
    assert 0.095 < min(shares) < 0.12
    assert 0.27 < max(shares) < 0.31
    assert 0.47 < min(ratios) < 0.6
    assert 1.6 < max(ratios) < 2.1


def test_how_often(sample):
    for kind in (Cutout, RandomErase):
        changed = sum(
            kind(p=0.3)(sample, np.random.default_rng(seed)) is not sample for seed in range(300)
        )
        assert 60 < changed < 120


def test_bad_settings():
    with pytest.raises(ConfigError, match="'void' or 'keep'"):
        Cutout(targets="drop")
    with pytest.raises(ConfigError, match="RandomErase"):
        RandomErase(0.5, 0.2)
    with pytest.raises(ConfigError, match="holes"):
        Cutout(holes=0)
