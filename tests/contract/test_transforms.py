"""What every registered transform must do. A new one needs an entry in SETTINGS.

A setting of a new name needs one in OTHER.
"""

import inspect

import cv2
import numpy as np
import pytest

from densefit.data.geometry.instance_map import UNKNOWN, extents
from densefit.data.loader.sample_task import SampleTask
from densefit.data.sample import LostGeometry, Sample
from densefit.data.stable_repr import stable_repr
from densefit.data.transforms import Mixup, RandomFlip, RandomPerspective, extra_samples, transforms
from densefit.datasets import Shapes

SETTINGS = {
    "color_jitter": {},
    "compose": {"steps": [RandomFlip(), RandomFlip(vertical=True)]},
    "copy_paste": {"p": 1.0, "drop": ["label"]},
    "cutout": {"p": 1.0},
    "letterbox": {"height": 40, "width": 64},
    "mixup": {"p": 1.0, "drop": ["label", "mask", "instances"]},
    "mosaic": {"height": 48, "width": 64, "p": 1.0, "drop": ["label"]},
    "random_affine": {"degrees": 30, "shear": 10},
    "random_blur": {"p": 1.0},
    "random_box_crop": {},
    "random_crop": {"height": 40, "width": 64},
    "random_erase": {"p": 1.0},
    "random_expand": {"p": 1.0},
    "random_flip": {"p": 1.0},
    "random_gray": {"p": 1.0},
    "random_jpeg": {"p": 1.0},
    "random_mask_crop": {"height": 40, "width": 64, "focus": 0.5},
    "random_motion_blur": {"p": 1.0},
    "random_noise": {"p": 1.0},
    "random_perspective": {"p": 1.0},
    "random_rotate90": {},
    "random_scale": {"low": 0.4},
    "random_scale_crop": {"height": 40, "width": 64},
    "resize": {"height": 40, "width": 64},
    "resize_side": {"short": 40},
}


#: Other valid values of settings, by name, or by transform and name where that does not fit.
OTHER = {
    "alpha": 3.0,
    "attempts": 7,
    "blend": 1.5,
    "brightness": 0.3,
    "contrast": 0.3,
    "degrees": 12.0,
    "distortion": 0.2,
    "drop": ["label", "mask"],
    "fill": (1, 2, 3),
    "focus": 0.3,
    "height": 44,
    "high": 1.75,
    "holes": 2,
    "hue": 0.03,
    "length": 5.0,
    "long": 90,
    "low": 0.25,
    "max_ratio": 3.0,
    "max_share": 0.5,
    "middle": 0.3,
    "min_ious": (0.1, 0.4),
    "min_scale": 0.4,
    "p": 0.35,
    "input_size": (56, 80),
    "prepare": RandomFlip(0.25),
    "ratio": 0.4,
    "relative_to": "photograph",
    "saturation": 0.3,
    "shear": 7.0,
    "short": 42,
    "sigma": 9.0,
    "size": 0.2,
    "steps": [RandomFlip(0.25), RandomFlip(vertical=True)],
    "target": "other_mask",
    "targets": "keep",
    "translate": 0.2,
    "vertical": True,
    "visible": 0.2,
    "width": 72,
    ("random_erase", "high"): 0.5,
    ("random_erase", "low"): 0.05,
    ("random_jpeg", "high"): 80,
    ("random_jpeg", "low"): 40,
}
EACH = [
    (name, setting)
    for name in sorted(SETTINGS)
    for setting in inspect.signature(transforms.get(name)).parameters
]


@pytest.fixture(params=sorted(SETTINGS))
def transform(request):
    return transforms.create(request.param, **SETTINGS[request.param])


def applied(transform, seed, change=None):
    data = Shapes(8, size=(48, 60), empty=0.0, keypoints=True)
    sample, rng = data[seed], np.random.default_rng(seed)
    if change is not None:
        change(sample)
    return extra_samples.apply_transform(
        transform, sample, rng, extra_samples.draw_from(data, seed, rng)
    )


def test_every_transform_is_in_this_contract():
    own = {n for n in transforms.names() if transforms.get(n).__module__.startswith("densefit.")}
    assert own == set(SETTINGS)


@pytest.mark.parametrize(("name", "setting"), EACH)
def test_a_changed_setting_changes_what_a_resume_compares(name, setting):
    """By `stable_repr`, a training that goes on sees that its pictures would be others."""
    other = OTHER.get((name, setting), OTHER[setting])
    before = transforms.create(name, **SETTINGS[name])
    after = transforms.create(name, **{**SETTINGS[name], setting: other})
    assert stable_repr(before) == stable_repr(transforms.create(name, **SETTINGS[name]))
    assert stable_repr(before) != stable_repr(after)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("letterbox", "Letterbox(40, 64)"),
        ("random_box_crop", "RandomBoxCrop((0.1, 0.3, 0.5, 0.7, 0.9))"),
        ("random_crop", "RandomCrop(40, 64, 1.0, 1.0)"),
        ("random_expand", "RandomExpand(4.0, 1.0)"),
        (
            "random_mask_crop",
            "RandomMaskCrop(40, 64, 0.5, 2.0, max_share=0.75, focus=0.5, attempts=10, 'mask', "
            "fill=114)",
        ),
        ("random_scale_crop", "RandomScaleCrop(40, 64, 0.5, 2.0)"),
    ],
)
def test_a_training_of_before_settings_were_told_in_full_goes_on(name, text):
    taken = inspect.signature(transforms.get(name)).parameters
    before = {"relative_to": "photograph"} if "relative_to" in taken else {}  # no other was known
    assert stable_repr(transforms.create(name, **SETTINGS[name], **before)) == text


@pytest.mark.parametrize("seed", range(4))
def test_pictures_targets_and_geometry_move_together(transform, seed):
    sample = applied(transform, seed)
    assert (sample.image.dtype, sample.image.ndim) == (np.uint8, 3)
    height, width = size = sample.image.shape[:2]
    assert getattr(transform, "output_size", None) in (None, size)
    assert sample.geometry.input_size == size
    assert sample.geometry.size == (48, 60)
    targets = sample.targets
    mixed = isinstance(transform, Mixup)  # whose pixels are of no one class
    if not mixed:
        assert (targets["mask"].shape, targets["mask"].dtype) == (size, np.uint8)
    boxes = targets["boxes"]
    assert (boxes >= 0).all()
    assert (boxes <= (width, height, width, height)).all()
    for name in ("classes", "difficult", "crowd", "area", "keypoints"):
        assert len(targets[name]) == len(boxes)
    points = targets["keypoints"]
    assert ((points[..., :2] >= 0) & (points[..., :2] <= (width, height))).all()
    assert (points[points[..., 2] == 0] == 0).all()
    for (x1, y1, x2, y2), kind in zip(boxes.round().astype(int), targets["classes"]):
        if x2 - x1 > 4 and y2 - y1 > 4 and not mixed:  # wide enough to hold a pixel of its shape
            assert (targets["mask"][y1:y2, x1:x2] == kind + 1).any()
    whole = Shapes(8, size=(48, 60), empty=0.0)[seed].targets
    if len(boxes) == len(whole["boxes"]) > 0:
        # what is left of a box, brought back, lies in the box
        back = sample.geometry.boxes_to_original(boxes) if _straight(sample) else whole["boxes"]
        assert (back[:, :2] >= whole["boxes"][:, :2] - 0.01).all()
        assert (back[:, 2:] <= whole["boxes"][:, 2:] + 0.01).all()


@pytest.mark.parametrize("seed", range(8))
def test_instances_lie_where_the_geometry_says_and_follow_their_boxes(transform, seed):
    if getattr(transform, "others", 0):
        pytest.skip("instances of several pictures have new ids: see its own tests")
    sample = applied(transform, seed)
    targets, whole = sample.targets, Shapes(8, size=(48, 60), empty=0.0)[seed].targets
    moved = targets["instances"]
    assert moved.dtype == np.uint16
    if not _lost(sample):
        _check_places(moved, whole["instances"], sample.geometry.matrix)
    # What is left of a box is still the box of its object.
    assert targets["instance_ids"].shape == (len(targets["boxes"]),)
    for box, one, kind in zip(targets["boxes"], targets["instance_ids"], targets["classes"]):
        assert whole["classes"][whole["instance_ids"] == one] == [kind]
        rows, columns = np.nonzero(moved == one)
        if len(rows):
            assert (columns.min() >= box[0] - 1) & (columns.max() + 1 <= box[2] + 1)
            assert (rows.min() >= box[1] - 1) & (rows.max() + 1 <= box[3] + 1)


@pytest.mark.parametrize("seed", range(8))
def test_what_is_shown_of_a_crowd_is_still_a_crowd(transform, seed):
    """A part without a row would be background to every head."""
    data, rng = Crowds(8, size=(48, 60), empty=0.0), np.random.default_rng(seed)
    after = extra_samples.apply_transform(
        transform, data[seed], rng, extra_samples.draw_from(data, seed, rng)
    )
    targets = after.targets
    assert targets["crowd"].all()
    if "instances" not in targets:
        return  # dropped
    ids, around = extents(targets["instances"])
    sides = around[:, 2:] - around[:, :2]
    # So large that the rest of its box has a pixel.
    large = ids[(sides >= 3).all(axis=1)]
    assert set(large) <= set(targets["instance_ids"])


class Crowds(Shapes):
    def __getitem__(self, index):
        sample = super().__getitem__(index)
        sample.targets["crowd"][:] = True
        return sample


class Blobs:
    """Black pictures with a bright plate: its middle, and a point at its right, are keypoints."""

    classes = ("plate",)
    keypoint_names = ("middle", "beside")
    flip_pairs = ()

    def __len__(self):
        return 3

    def id_of(self, index):
        return f"b{index}"

    def __getitem__(self, index):
        x, y = ((70, 52), (58, 47), (66, 60))[index]
        image, mask = np.zeros((112, 136, 3), np.uint8), np.zeros((112, 136), np.uint8)
        there = np.s_[y - 8 : y + 9, x - 12 : x + 13]
        image[there], mask[there] = 255, 1
        normals = np.zeros((112, 136, 3), np.float32)
        normals[there] = (1, 0, 0)
        normals[mask == 0] = (0, 0, 1)
        points = [[x + 0.5, y + 0.5, 2], [x + 9.5, y + 0.5, 2]]
        targets = {
            "boxes": np.array([[x - 12, y - 8, x + 13, y + 9]], np.float32),
            "classes": np.zeros(1, np.int64),
            "keypoints": np.array([points], np.float32),
            "keypoint_flip": np.arange(2),
            "mask": mask,
            "instances": mask.astype(np.uint16),
            "instance_ids": np.ones(1, np.int64),
            "depth": np.where(mask, 7, 3).astype(np.float32),
            "normals": normals,
        }
        return Sample(self.id_of(index), image, targets)


@pytest.mark.parametrize("seed", range(6))
def test_points_boxes_maps_and_vectors_are_where_the_pixels_are(transform, seed):
    """One convention for all: pixel j covers [j, j + 1), whatever moves it."""
    data, rng = Blobs(), np.random.default_rng(seed)
    sample = data[seed % 3]
    lacks = {"mask", "instances", "depth", "normals"} if isinstance(transform, Mixup) else set()
    lacks |= {"normals"} if isinstance(transform, RandomPerspective) else set()
    draw = extra_samples.draw_from(data, seed % 3, rng)

    def bare(samples):
        for one in samples:
            one.targets = {k: v for k, v in one.targets.items() if k not in lacks}
        return samples

    (sample,) = bare([sample])
    after = extra_samples.apply_transform(transform, sample, rng, lambda count: bare(draw(count)))
    targets, height, width = after.targets, *after.image.shape[:2]
    if "mask" in targets:
        plate = targets["mask"] == 1
        known = (targets["mask"] != 255) & (targets["instances"] != UNKNOWN)
        np.testing.assert_array_equal((targets["instances"] > 0) & known, plate)
        np.testing.assert_array_equal(targets["depth"] == 7, plate)
        # What is bright is the plate, but beside its edges, which are interpolated.
        core = cv2.erode(plate.astype(np.uint8), np.ones((5, 5))) > 0
        assert not core.any() or after.image[core].mean() > 100
    points = targets["keypoints"]
    for box, (middle, beside) in zip(targets["boxes"], points):
        if middle[2] < 2 or beside[2] < 2:
            continue  # outside, or covered
        assert (box[:2] <= middle[:2]).all()
        assert (middle[:2] <= box[2:]).all()
        x, y = np.minimum(middle[:2].astype(int), (width - 1, height - 1))
        assert after.image[y, x].max() > 25  # of a plate, or of one that shines through
        if "mask" not in targets or not plate[y, x]:
            continue
        _, parts, stats, middles = cv2.connectedComponentsWithStats(plate.astype(np.uint8))
        left, top, wide, high, _ = stats[parts[y, x]]
        whole = left > 0 and top > 0 and left + wide < width and top + high < height
        if whole and not getattr(transform, "others", 0):  # else a part of it is cut or behind
            covered = (~known).any()
            slack = 0.7 if isinstance(transform, RandomPerspective) else 0.5
            if not covered:
                np.testing.assert_allclose(middles[parts[y, x]] + 0.5, middle[:2], atol=slack)
        if "normals" in targets and targets["normals"][y, x].any():
            along = (beside - middle)[:2]
            found = targets["normals"][y, x, :2]
            assert found @ along / np.linalg.norm(along) > 0.97  # a shear turns rows otherwise
    assert len(points) == len(targets["boxes"])


def _check_places(moved, instances, matrix):
    """Each pixel's centre, taken back to the original picture, is of the same object."""
    rows, columns = np.indices(moved.shape)
    centres = np.stack([columns.ravel(), rows.ravel()]) + 0.5
    x, y = np.linalg.solve(matrix[:, :2], centres - matrix[:, 2:])
    # Not between two pixels; OpenCV rounds places of a warp to 1/1024 of a pixel.
    slack = 1e-6 if matrix[0, 1] == 0 or matrix[0, 0] == 0 else 2e-3
    sure = np.minimum(abs(x - x.round()), abs(y - y.round())) > slack
    sure &= moved.ravel() != UNKNOWN  # covered
    inside = (x >= 0) & (y >= 0) & (x < 60) & (y < 48)
    there = np.floor(y.clip(0, 47)).astype(int), np.floor(x.clip(0, 59)).astype(int)
    expected = np.where(inside, instances[there], 0)
    np.testing.assert_array_equal(moved.ravel()[sure], expected[sure])


def _straight(sample):
    """Whether nothing is turned."""
    return not _lost(sample) and sample.geometry.matrix[0, 1] == 0


def _lost(sample):
    return isinstance(sample.geometry, LostGeometry)


def test_chance_comes_from_the_generator_alone(transform):
    first, second = applied(transform, 3), applied(transform, 3)
    np.testing.assert_array_equal(first.image, second.image)
    assert _lost(first) == _lost(second)
    if not _lost(first):
        np.testing.assert_array_equal(first.geometry.matrix, second.geometry.matrix)
    for name, value in first.targets.items():
        np.testing.assert_array_equal(value, second.targets[name])


def test_unknown_targets_stay_unknown(transform):
    assert applied(transform, 0, lambda sample: sample.targets.clear()).targets == {}


def test_a_worker_process_makes_the_same(transform, in_a_process):
    data = Shapes(4, size=(48, 60), empty=0.0, keypoints=True)
    in_a_process(SampleTask(data, transform, [], 5, 2), [3, 0, 6])
