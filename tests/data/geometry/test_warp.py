"""Warps against drawing, against the moves that they generalise, and there and back."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from densefit.data.geometry import target_kinds
from densefit.data.geometry.image_ops import flip, resize, rotate90
from densefit.data.geometry.instance_map import extents
from densefit.data.geometry.warp import warp
from densefit.data.sample import LostGeometry, Sample
from densefit.data.transforms.affine import about_centre, linear
from densefit.datasets import Shapes
from densefit.errors import DataError

H, W = 48, 64
SHAPES = Shapes(8, size=(H, W), empty=0.0, keypoints=True)


def smooth(height=H, width=W):
    """Red and green rise along x and y, so that interpolation is exact."""
    y, x = np.mgrid[:height, :width] + 0.5
    image = np.stack([3 * x, 4 * y, 0 * x + 90], axis=2).round().astype(np.uint8)
    return Sample("s", image, {"mask": np.zeros((height, width), np.uint8)})


def maps():
    return st.builds(
        lambda angle, scale, slant, x, y: about_centre(
            (H, W), linear(np.radians(angle), scale, slant, 0.0), np.array([x, y])
        ),
        st.floats(-180, 180),
        st.floats(0.7, 1.6),
        st.floats(-0.3, 0.3),
        st.floats(-8, 8),
        st.floats(-8, 8),
    )


@settings(max_examples=40, deadline=None)
@given(maps(), st.integers(0, 7))
def test_boxes_follow_instances(matrix, index):
    """The box of each object is that of its pixels in the moved map, to within a pixel."""
    after = warp(SHAPES[index], matrix, H, W)
    ids, around = extents(after.targets["instances"])
    for box, one in zip(after.targets["boxes"], after.targets["instance_ids"]):
        # An object that was cut may have less in the window than its box has.
        if (box[:2] > 0).all() and (box[2:] < (W, H)).all():
            np.testing.assert_allclose(box, around[list(ids).index(one)], atol=2)


@settings(max_examples=40, deadline=None)
@given(maps(), st.integers(0, 7))
def test_without_instances_boxes_hold_their_objects(matrix, index):
    sample = SHAPES[index]
    bare = {k: v for k, v in sample.targets.items() if k != "instances"}
    after = warp(Sample("s", sample.image, bare), matrix, H, W).targets
    pixels = warp(sample, matrix, H, W).targets["instances"]
    ids, around = extents(pixels)
    for box, one in zip(after["boxes"], after["instance_ids"]):
        if one in ids:
            inner = around[list(ids).index(one)]
            assert (box[:2] <= inner[:2] + 1).all()
            assert (box[2:] >= inner[2:] - 1).all()


@settings(max_examples=30, deadline=None)
@given(maps())
def test_a_warp_and_its_inverse_return(matrix):
    sample = smooth()
    back = warp(warp(sample, matrix, H, W), np.linalg.inv(matrix), H, W)
    there = back.targets["mask"] == 0
    there[1:-1, 1:-1] &= there[:-2, 1:-1] & there[2:, 1:-1] & there[1:-1, :-2] & there[1:-1, 2:]
    there[[0, -1]] = there[:, [0, -1]] = False
    off = np.abs(back.image.astype(int) - sample.image)[there]
    assert not off.size or np.percentile(off, 95) <= 4
    np.testing.assert_allclose(back.geometry.matrix, np.eye(2, 3), atol=1e-9)


@settings(max_examples=30, deadline=None)
@given(maps(), st.integers(0, 7))
def test_points_lie_where_the_geometry_says(matrix, index):
    before = SHAPES[index]
    after = warp(before, matrix, H, W)
    kept = [list(before.targets["instance_ids"]).index(i) for i in after.targets["instance_ids"]]
    points = after.targets["keypoints"]
    seen = points[..., 2] > 0
    back = after.geometry.points_to_original(points[..., :2])
    expected = before.targets["keypoints"][kept]
    np.testing.assert_allclose(back[seen], expected[seen][:, :2], atol=1e-2)


SAME = {
    "mirror": lambda s: flip(s),
    "upside down": lambda s: flip(s, vertical=True),
    "quarter": lambda s: rotate90(s, 1),
    "three quarters": lambda s: rotate90(s, 3),
}


@pytest.mark.parametrize("name", SAME)
@pytest.mark.parametrize("index", range(3))
def test_a_warp_by_the_map_of_another_move_does_the_same(name, index):
    sample = SHAPES[index]
    sample.targets["normals"] = np.random.default_rng(0).normal(size=(H, W, 3)).astype(np.float32)
    expected = SAME[name](sample)
    after = warp(sample, expected.geometry.matrix, *expected.image.shape[:2])
    np.testing.assert_array_equal(after.image, expected.image)
    for key, value in expected.targets.items():
        np.testing.assert_allclose(after.targets[key], value, atol=1e-5, err_msg=key)


def test_stretching_agrees_with_resize():
    sample = smooth()
    expected = resize(sample, 60, 96)
    after = warp(sample, expected.geometry.matrix, 60, 96)
    off = np.abs(after.image[2:-2, 2:-2].astype(int) - expected.image[2:-2, 2:-2])
    assert off.max() <= 1


@pytest.mark.parametrize("tilt", [0.0, 1e-4])
def test_strong_shrinking_does_not_alias(tilt):
    """Columns of black and white become grey; without care, they become black or white."""
    image = np.zeros((160, 160, 3), np.uint8)
    image[:, ::2] = 255
    matrix = np.diag([0.25, 0.25, 1.0])
    matrix[2, 0] = tilt
    after = warp(Sample("s", image, {}), matrix, 30, 30).image[4:-4, 4:-4]
    assert 110 <= after.min() <= after.max() <= 145


def test_shrinking_one_way_keeps_what_the_other_shows():
    image = np.zeros((160, 40, 3), np.uint8)
    image[:, 20:] = 200
    after = warp(Sample("s", image, {}), np.array([[1.0, 0, 0], [0, 0.2, 0]]), 32, 40).image
    assert (after[1:-1, 19] == 0).all()
    assert (after[1:-1, 20] == 200).all()


def test_maps_that_opencv_cannot_warp_are_warped_all_the_same(monkeypatch):
    monkeypatch.setattr(target_kinds, "KINDS", dict(target_kinds.KINDS))
    target_kinds.declare_target("many", "map", fill=-1)
    sample = SHAPES[1]
    sample.targets["many"] = np.dstack([sample.targets["mask"].astype(np.int64)] * 6)
    matrix = about_centre((H, W), linear(0.4, 1.2, 0.1, 0.0), np.array([2.0, 1.0]))
    after = warp(sample, matrix, H, W).targets
    assert after["many"].dtype == np.int64
    expected = after["mask"].astype(int)
    expected[expected == 255] = -1
    assert (after["many"][..., 3] == expected).mean() > 0.998  # ties between two pixels


LOOK = np.array([[0.9, 0.1, 3.0], [-0.05, 0.8, 5.0], [1e-3, -2e-3, 1.0]])


@pytest.mark.parametrize("index", range(6))
def test_perspective_moves_boxes_with_their_objects_and_loses_the_geometry(index):
    after = warp(SHAPES[index], LOOK, H, W)
    ids, around = extents(after.targets["instances"])
    for box, one in zip(after.targets["boxes"], after.targets["instance_ids"]):
        np.testing.assert_allclose(box, around[list(ids).index(one)], atol=1.8)
    assert isinstance(after.geometry, LostGeometry)
    with pytest.raises(DataError, match="perspective"):
        after.geometry.boxes_to_original(after.targets["boxes"])
    with pytest.raises(DataError, match="perspective"):
        _ = flip(after).geometry.matrix


def test_boxes_of_a_turned_picture_do_not_come_back_silently():
    after = warp(SHAPES[0], about_centre((H, W), linear(0.3, 1, 0, 0), np.zeros(2)), H, W)
    with pytest.raises(DataError, match="turned"):
        after.geometry.boxes_to_original(after.targets["boxes"])
