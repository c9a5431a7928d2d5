"""Each move is checked by drawing: targets moved as numbers must match the moved drawing."""

import numpy as np
import pytest

from densefit.data.geometry import target_kinds
from densefit.data.geometry.image_ops import (
    crop,
    flip,
    resize,
    resize_image,
    resize_nearest,
    rotate90,
)
from densefit.data.homography import move_boxes
from densefit.data.sample import Sample
from densefit.errors import DataError

H, W = 60, 84
BOXES = np.array([[6, 12, 30, 36], [42, 6, 78, 24], [36, 30, 84, 60]], np.float32)


def drawn(boxes, height, width):
    """A mask with rectangle i filled by i + 1."""
    mask = np.zeros((height, width), np.uint8)
    for i, (x1, y1, x2, y2) in enumerate(boxes.astype(int)):
        mask[y1:y2, x1:x2] = i + 1
    return mask


def boxes_of(mask):
    """Extents of the values in a mask, and which values are there."""
    found = [i for i in range(1, 4) if (mask == i).any()]
    boxes = []
    for i in found:
        y, x = np.nonzero(mask == i)
        boxes.append([x.min(), y.min(), x.max() + 1, y.max() + 1])
    return np.array(boxes, np.float32).reshape(-1, 4), np.array(found) - 1


@pytest.fixture
def sample():
    mask = drawn(BOXES, H, W)
    image = np.stack([mask * 80] * 3, axis=2)
    targets = {
        "boxes": BOXES.copy(),
        "classes": np.arange(3),
        "difficult": np.array([False, True, False]),
        "crowd": np.zeros(3, bool),
        "area": np.array([576, 648, 1440], np.float32),
        "mask": mask,
        "label": np.array(7, np.int64),
    }
    return Sample("s", image, targets)


MOVES = {
    "mirror": lambda s: flip(s),
    "mirror top to bottom": lambda s: flip(s, vertical=True),
    "turn 1": lambda s: rotate90(s, 1),
    "turn 2": lambda s: rotate90(s, 2),
    "turn 3": lambda s: rotate90(s, 3),
    "enlarge": lambda s: resize(s, 2 * H, 3 * W),
    "shrink": lambda s: resize(s, H // 2, W // 3),
    "shrink a lot": lambda s: resize(s, H // 6, W // 6),
    "crop inside": lambda s: crop(s, 3, 5, 79, 53),
    "crop beyond": lambda s: crop(s, -10, -7, W + 25, H + 9),
    "crop and pad": lambda s: crop(s, -10, 2, 95, 58),
    "all": lambda s: rotate90(flip(resize(crop(s, -6, -12, 96, 78), 39, 48)), 1),
}


INTERPOLATED = {"enlarge", "shrink", "shrink a lot", "all"}
QUARTER_TURNS = {"turn 1", "turn 3", "all"}


@pytest.mark.parametrize("name", MOVES)
def test_boxes_move_as_the_drawing_does(sample, name):
    moved = MOVES[name](sample)
    mask = moved.targets["mask"]
    boxes, classes = boxes_of(np.where(mask == 255, 0, mask))
    np.testing.assert_allclose(moved.targets["boxes"], boxes, atol=1e-3)
    np.testing.assert_array_equal(moved.targets["classes"], classes)
    np.testing.assert_array_equal(moved.targets["difficult"], classes == 1)


@pytest.mark.parametrize("name", MOVES)
def test_image_moves_as_the_mask_does(sample, name):
    moved = MOVES[name](sample)
    mask, image = moved.targets["mask"], moved.image
    assert image.shape[:2] == mask.shape == moved.geometry.input_size
    expected = np.where(mask == 255, 114, mask * 80)
    same = np.abs(image[..., 0].astype(int) - expected) <= 1
    assert same.mean() >= (0.8 if name in INTERPOLATED else 1.0)


@pytest.mark.parametrize("name", sorted(set(MOVES) - QUARTER_TURNS))
def test_boxes_go_back_to_the_original(sample, name):
    moved = MOVES[name](sample)
    back = moved.geometry.boxes_to_original(moved.targets["boxes"])
    kept = moved.targets["classes"]
    expected = BOXES[kept].copy()
    if name == "crop inside":
        expected = expected.clip((3, 5, 3, 5), (82, 58, 82, 58))
    if name == "crop and pad":
        expected = expected.clip((0, 2, 0, 2), (84, 60, 84, 60))
    np.testing.assert_allclose(back, expected, atol=1e-3)


def test_geometry_of_a_quarter_turn(sample):
    corners = move_boxes(BOXES, rotate90(sample, 1).geometry.matrix)
    np.testing.assert_allclose(corners, rotate90(sample, 1).targets["boxes"])
    four = rotate90(rotate90(sample, 3), 1)
    np.testing.assert_allclose(four.geometry.matrix, np.eye(2, 3), atol=1e-12)
    np.testing.assert_array_equal(four.image, sample.image)


def test_a_box_is_dropped_if_its_centre_is_outside_and_clipped_otherwise(sample):
    moved = crop(sample, 20, 0, 64, 60)  # the centre of the first box is at x = 18
    np.testing.assert_array_equal(moved.targets["classes"], [1, 2])
    moved = crop(sample, 17, 0, 64, 60)
    np.testing.assert_array_equal(moved.targets["boxes"][0], [0, 12, 13, 36])


def test_boxes_below_one_pixel_are_dropped_with_their_arrays(sample):
    moved = resize(sample, 60, 3)  # the first becomes 24 * 3 / 84 = 0.86 pixels wide
    for name in ("boxes", "classes", "difficult", "crowd", "area"):
        assert len(moved.targets[name]) == 2
    np.testing.assert_array_equal(moved.targets["classes"], [1, 2])


def test_area_scales_with_the_picture_and_stays_in_a_crop(sample):
    np.testing.assert_allclose(resize(sample, 2 * H, 3 * W).targets["area"], [3456, 3888, 8640])
    assert crop(sample, 17, 0, 64, 60).targets["area"][0] == 576


def test_other_facts_stay(sample):
    moved = flip(sample)
    assert moved.id == "s"
    assert moved.targets["label"] == 7
    assert list(moved.targets) == list(sample.targets)
    assert {k: v.dtype for k, v in moved.targets.items()} == {
        k: v.dtype for k, v in sample.targets.items()
    }


@pytest.mark.parametrize("name", MOVES)
def test_the_sample_itself_is_never_changed(sample, name):
    before = {k: v.copy() for k, v in sample.targets.items()}
    image = sample.image.copy()
    MOVES[name](sample)
    np.testing.assert_array_equal(sample.image, image)
    for key, value in before.items():
        np.testing.assert_array_equal(sample.targets[key], value)
    np.testing.assert_array_equal(sample.geometry.matrix, np.eye(2, 3))


@pytest.mark.parametrize("name", MOVES)
def test_no_boxes_at_all(sample, name):
    none = Sample("e", sample.image, {k: v[:0] for k, v in sample.targets.items() if len(v.shape)})
    none.targets["mask"] = sample.targets["mask"]
    moved = MOVES[name](none)
    assert moved.targets["boxes"].shape == (0, 4)
    assert moved.targets["boxes"].dtype == np.float32
    assert moved.targets["classes"].shape == (0,)


def test_a_window_off_the_picture_is_all_fill(sample):
    moved = crop(sample, 200, 200, 10, 8, fill=(1, 2, 3))
    assert moved.image.shape == (8, 10, 3)
    assert (moved.image == (1, 2, 3)).all()
    assert (moved.targets["mask"] == 255).all()
    assert len(moved.targets["boxes"]) == 0


def test_a_users_map_is_interpolated_and_padded(sample, monkeypatch):
    monkeypatch.setattr(target_kinds, "KINDS", dict(target_kinds.KINDS))
    target_kinds.declare_target("heat", "map_linear", fill=-1.0)
    ramp = np.tile(np.arange(W, dtype=np.float32) + 0.5, (H, 1))
    sample.targets["heat"] = ramp
    twice = resize(sample, H, 2 * W).targets["heat"]
    assert twice.dtype == np.float32
    np.testing.assert_allclose(twice[0, 1:-1], (np.arange(2 * W)[1:-1] + 0.5) / 2, atol=1e-3)
    assert (crop(sample, -2, 0, W, H).targets["heat"][:, :2] == -1).all()
    sample.targets["heat"] = ramp[..., None]
    assert resize(sample, 30, 40).targets["heat"].shape == (30, 40, 1)


def test_depths_are_never_mixed_with_what_is_unknown(sample):
    depth = np.where(np.arange(W) % 3 == 0, 0, 7.5).astype(np.float32)
    sample.targets["depth"] = np.tile(depth, (H, 1))
    for name, move in MOVES.items():
        moved = move(sample).targets["depth"]
        assert moved.dtype == np.float32
        assert set(np.unique(moved)) <= {0.0, 7.5}, name
        if name.startswith("crop beyond"):
            assert (moved[0] == 0).all()


@pytest.mark.parametrize("name", MOVES)
def test_vectors_turn_with_the_picture(sample, name):
    """One vector everywhere: an arrow drawn as two pixels shows where it points afterwards."""
    sample.targets["normals"] = np.tile(np.float32([0.48, 0.64, 0.6]), (H, W, 1))
    moved = MOVES[name](sample)
    found = moved.targets["normals"]
    assert found.dtype == np.float32
    assert found.shape == (*moved.image.shape[:2], 3)
    known = found.any(axis=2)
    assert known.mean() > 0.4
    np.testing.assert_array_equal(known, moved.targets["mask"] != 255)
    tail, head = move_boxes(np.array([[10, 20, 10, 20], [10 + 48, 20 + 64, 10 + 48, 20 + 64]]),
                            moved.geometry.matrix)[:, :2]  # fmt: skip
    direction = np.sign(head - tail)
    swapped = name in QUARTER_TURNS
    size = np.float32([0.64, 0.48] if swapped else [0.48, 0.64])
    np.testing.assert_allclose(found[known][:, :2], np.tile(direction * size, (known.sum(), 1)))
    np.testing.assert_allclose(found[known][:, 2], np.float32(0.6))


def test_four_quarter_turns_and_two_mirrors_give_the_same_vectors(sample):
    vectors = np.random.default_rng(0).normal(size=(H, W, 3)).astype(np.float32)
    sample.targets["normals"] = vectors
    for back in (rotate90(rotate90(sample, 3), 1), flip(flip(sample)), rotate90(sample, 4)):
        np.testing.assert_array_equal(back.targets["normals"], vectors)
    np.testing.assert_array_equal(
        flip(flip(sample), vertical=True).targets["normals"],
        rotate90(sample, 2).targets["normals"],
    )
    np.testing.assert_array_equal(sample.targets["normals"], vectors)


def test_maps_of_any_type_and_depth(sample, monkeypatch):
    monkeypatch.setattr(target_kinds, "KINDS", dict(target_kinds.KINDS))
    target_kinds.declare_target("ids", "map", fill=-1)
    sample.targets["ids"] = np.dstack([sample.targets["mask"].astype(np.int64)] * 5)
    for name, move in MOVES.items():
        moved = move(sample).targets
        assert moved["ids"].dtype == np.int64
        expected = moved["mask"].astype(int)
        expected[expected == 255] = -1
        np.testing.assert_array_equal(moved["ids"][..., 4], expected, err_msg=name)


def test_errors_name_target_and_sample(sample):
    sample.targets["mask"] = sample.targets["mask"][1:]
    with pytest.raises(DataError, match=r"'mask'[\s\S]*sample 's'"):
        flip(sample)
    sample.targets["mask"] = drawn(BOXES, H, W)
    sample.targets["difficult"] = np.zeros(2, bool)
    with pytest.raises(DataError, match=r"'difficult'[\s\S]*3 rows[\s\S]*sample 's'"):
        flip(sample)
    del sample.targets["boxes"]
    with pytest.raises(DataError, match=r"one row a box[\s\S]*no boxes at all"):
        flip(sample)


@pytest.mark.parametrize("factor", [2, 3, 5])
def test_nearest_takes_the_middle_pixel(factor):
    big = np.arange(30 * factor).repeat(4).reshape(30 * factor, 4)
    small = resize_nearest(big, 30, 4)
    np.testing.assert_array_equal(small[:, 0], np.arange(30) * factor + factor // 2)


@pytest.mark.parametrize(("height", "width"), [(80, 40), (60, 40), (30, 40), (48, 12)])
def test_fine_stripes_become_their_mean_whatever_the_other_side_does(height, width):
    """Stripes of 2 pixels, shrunk along x by 3 and more: taken at single places, they alias."""
    stripes = np.zeros((60, 126, 3), np.uint8)
    stripes[:, ::2] = 240
    turned = np.ascontiguousarray(stripes.swapaxes(0, 1))
    for image, size in ((stripes, (height, width)), (turned, (width, height))):
        found = resize_image(image, *size)
        assert found.shape == (*size, 3)
        assert found.std() < 30  # of a mean of 3.15 pixels at least; it was 120
        assert found.mean() == pytest.approx(120, abs=3)


def test_a_side_that_shrinks_a_lot_is_a_mean_and_one_that_grows_is_linear():
    """A ramp along y under stripes along x: the ramp is what linear interpolation makes of it."""
    ramp = np.tile(np.arange(0, 200, 10, dtype=np.uint8)[:, None, None], (1, 60, 3))
    ramp[:, ::2] += 40
    found = resize_image(ramp, 40, 10)[..., 0].astype(float)
    places = ((np.arange(40) + 0.5) / 2 - 0.5).clip(0, 19)
    expected = np.repeat(places[:, None] * 10 + 20, 10, axis=1)
    np.testing.assert_allclose(found, expected, atol=1)
