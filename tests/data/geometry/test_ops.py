"""Moves joined into one warp show what they show one after the other."""

import numpy as np
import pytest

from densefit.data.geometry.ops import (
    GeometricOp,
    GeometricTransform,
    crop_op,
    flip_op,
    fuse_ops,
    resize_op,
    rotate90_op,
)
from densefit.data.sample import Sample
from densefit.data.transforms import (
    Compose,
    Letterbox,
    RandomAffine,
    RandomFlip,
    RandomPerspective,
    RandomRotate90,
    RandomScale,
    RandomScaleCrop,
    Resize,
    ResizeSide,
)
from densefit.datasets import Shapes

H, W = 90, 120
ROWS = {
    "affine, letterbox": [RandomAffine(20), Letterbox(64, 64)],
    "affine, flip, stretch": [RandomAffine(20), RandomFlip(1.0), Resize(70, 100)],
    "stretch, affine": [Resize(80, 100), RandomAffine(20, shear=5)],
    "crop, affine, stretch": [RandomScaleCrop(60, 80), RandomAffine(20), Resize(70, 70)],
    "affine, crop": [RandomAffine(10), RandomScaleCrop(48, 48, 1.0, 2.0)],
    "affine, crop beyond": [RandomAffine(10), RandomScaleCrop(100, 100, 0.5, 0.7)],
    "two warps": [RandomAffine(10), RandomAffine(10)],
    "perspective, quarter, stretch": [
        RandomPerspective(0.3, 1.0),
        RandomRotate90(),
        Resize(60, 80),
    ],
    "short side, affine, quarter": [ResizeSide(short=70), RandomAffine(15), RandomRotate90()],
    "no warp": [RandomScale(0.8, 1.2), RandomFlip(1.0), Letterbox(64, 64)],
    "fills differ": [RandomAffine(15, fill=0), Letterbox(64, 64, fill=255), RandomFlip(1.0)],
}


def picture():
    """Smooth colours, so that one interpolation more makes no difference; targets of shapes."""
    sample = Shapes(4, size=(H, W), empty=0.0, keypoints=True)[2]
    y, x = np.mgrid[:H, :W]
    image = np.stack([2 * x, 2 * y, x + y], axis=2).astype(np.uint8)
    return Sample("s", image, {**sample.targets, "depth": (x + 1).astype(np.float32)})


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("seed", range(6))
def test_together_as_one_after_the_other(name, seed):
    rng = np.random.default_rng(seed)
    expected = picture()
    for step in ROWS[name]:
        expected = step(expected, rng)
    found = Compose(ROWS[name])(picture(), np.random.default_rng(seed))
    assert found.image.shape == expected.image.shape
    known, same = found.targets["mask"] != 255, expected.targets["mask"] != 255
    assert (known == same).mean() > 0.97  # but for pixels on the edge
    inner = known & same
    inner[1:-1, 1:-1] &= inner[:-2, 1:-1] & inner[2:, 1:-1] & inner[1:-1, :-2] & inner[1:-1, 2:]
    off = np.abs(found.image.astype(int) - expected.image)[inner]
    assert not off.size or np.percentile(off, 98) <= 4  # 2 levels a pixel
    # Objects that were resized before they were turned are as exact as their pixels.
    for target, atol in (("boxes", 1.5), ("keypoints", 0.02), ("classes", 0), ("area", 0.02)):
        np.testing.assert_allclose(
            found.targets[target], expected.targets[target], rtol=1e-4, atol=atol, err_msg=target
        )
    if "perspective" not in name:
        np.testing.assert_allclose(found.geometry.matrix, expected.geometry.matrix, atol=1e-9)
    assert found.geometry.input_size == expected.geometry.input_size


def names(ops, size=(H, W)):
    return [op.name for op in fuse_ops(size, ops)]


def turned(size=(H, W), fill=114):
    cos, sin = np.cos(0.3), np.sin(0.3)
    return GeometricOp(np.array([[cos, -sin, 9], [sin, cos, -9], [0, 0, 1.0]]), size, "warp", fill)


def test_what_becomes_one():
    small = resize_op((H, W), 60, 80)
    assert names([turned(), small]) == ["warp"]
    assert names([small, turned((60, 80)), flip_op((60, 80)), rotate90_op((60, 80), 1)]) == ["warp"]
    assert names([small, crop_op(3, 3, 40, 40), flip_op((40, 40))]) == [
        "resize",
        "crop",
        "flip",
    ]


def test_what_was_cut_away_does_not_come_back():
    window = crop_op(30, 20, 50, 40)
    assert names([window, turned((40, 50))]) == ["crop", "warp"]
    assert names([turned(), crop_op(-20, -20, W + 40, H + 40)]) == ["warp", "crop"]
    assert names([turned(), turned()]) == ["warp", "warp"]
    inside = GeometricOp(
        np.diag([2.0, 2.0, 1.0]), (H, W), "warp", 114
    )  # the corner, twice as large
    assert names([turned(), inside]) == ["warp"]


def test_two_fills_are_two_moves():
    assert names([turned(), crop_op(5, 5, 50, 50, fill=0)]) == ["warp", "crop"]
    assert names([turned(), crop_op(5, 5, 50, 50)]) == ["warp"]


def test_a_single_move_is_done_as_it_always_was():
    sample = picture()
    for op in (
        crop_op(-3, 4, 50, 60),
        resize_op((H, W), 33, 44),
        flip_op((H, W)),
        flip_op((H, W), vertical=True),
        *(rotate90_op((H, W), quarters) for quarters in range(4)),
    ):
        after = op(sample)
        assert after.image.shape[:2] == op.size
        np.testing.assert_allclose(after.geometry.matrix, op.matrix[:2], atol=1e-12)


def test_a_users_class_that_changes_the_call_is_called():
    class Loud(RandomFlip):
        called = 0

        def __call__(self, sample, rng):
            Loud.called += 1
            return super().__call__(sample, rng)

    assert issubclass(Loud, GeometricTransform)
    Compose([RandomFlip(1.0), Loud(1.0)])(picture(), np.random.default_rng(0))
    assert Loud.called == 1
