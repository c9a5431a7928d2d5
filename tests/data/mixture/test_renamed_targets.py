"""Targets under other names move with their pictures as before. In mixtures: test_mixture.py."""

import numpy as np
import pytest

from densefit.data.geometry.target_kinds import KINDS, Kind, declare_target
from densefit.data.mixture.renamed_targets import check_names, under_new_names
from densefit.data.sample import Sample
from densefit.data.transforms import RandomFlip
from densefit.errors import ConfigError


@pytest.fixture(autouse=True)
def kinds():
    """What a test declares is forgotten after it."""
    before = dict(KINDS)
    yield
    KINDS.clear()
    KINDS.update(before)


def test_only_what_is_named_has_another_name():
    mask, depth = np.zeros((2, 2)), np.ones((2, 2))
    found = under_new_names({"mask": mask, "depth": depth}, {"mask": "room_mask"})
    assert list(found) == ["room_mask", "depth"]
    assert found["room_mask"] is mask


def test_what_is_known_of_a_target_goes_with_it():
    flags = np.ones(3, bool)
    targets = {"mask": 1, "known_mask_classes": flags, "known_classes": 2}
    found = under_new_names(targets, {"mask": "room_mask"})
    assert found == {"room_mask": 1, "known_room_mask_classes": flags, "known_classes": 2}
    own = under_new_names(targets, {"mask": "room_mask", "known_mask_classes": "sure"})
    assert set(own) == {"room_mask", "sure", "known_classes"}


def test_a_new_name_is_of_the_kind_of_the_old_one():
    check_names("rooms", {"mask": "room_mask", "normals": "bumps"}, {"mask", "normals", "depth"})
    assert KINDS["room_mask"] == KINDS["mask"] == Kind("map", 255)
    assert KINDS["bumps"].name == "vectors"
    check_names("rooms", {"mask": "room_mask"}, {"mask"})  # again


def test_the_flip_of_keypoints_is_renamed_with_them():
    """A mirrored picture changes left and right under the new names, too."""
    names = {"keypoints": "paws", "keypoint_flip": "paw_flip"}
    check_names("cats", names, {"keypoints", "keypoint_flip", "boxes"})
    points = np.array([[[2, 3, 2], [5, 4, 2]]], np.float32)
    targets = {
        "keypoints": points,
        "keypoint_flip": np.array([1, 0]),
        "boxes": np.array([[1, 1, 7, 7]], np.float32),
    }
    image = np.zeros((8, 10, 3), np.uint8)
    rng = np.random.default_rng(0)
    flip = RandomFlip(1.0)
    plain = flip(Sample("a", image, targets), rng).targets
    named = flip(Sample("a", image, under_new_names(targets, names)), rng).targets
    assert named["paws"].tolist() == plain["keypoints"].tolist()
    assert named["paws"].tolist() != points.tolist()


def test_numbers_alone_need_no_kind():
    check_names("bars", {"angle": "tilt"}, {"angle"})
    assert "tilt" not in KINDS


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"masc": "room_mask"}, "did you mean 'mask'"),
        ({"mask": "depth"}, "Two targets would be called 'depth'"),
        ({"mask": "one", "depth": "one"}, "Two targets would be called 'one'"),
        ({"mask": "boxes"}, "whose target 'mask' is renamed"),
    ],
)
def test_names_that_cannot_be_are_told(names, said):
    with pytest.raises(ConfigError, match=said):
        check_names("rooms", names, {"mask", "depth"})


def test_names_may_change_places():
    declare_target("other", "map", 255)
    check_names("rooms", {"mask": "other", "other": "mask"}, {"mask", "other"})
