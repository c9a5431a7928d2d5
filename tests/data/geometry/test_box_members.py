import numpy as np
import pytest

import densefit as df
from densefit.data.geometry.box_members import (
    declare_boxes,
    member,
    member_names,
    under_standard_names,
)
from densefit.data.geometry.target_kinds import KINDS, declare_target
from densefit.data.sample import Sample
from densefit.data.transforms import transforms
from densefit.data.transforms.merge_samples import renumber_instances
from densefit.errors import ConfigError, DataError

FIRST, SECOND = "boxes", "part_boxes"
declare_boxes(SECOND)


def objects(seed, count, size=(48, 64)):
    """Rectangles with all that can belong to boxes; the first is a crowd at the edge."""
    rng = np.random.default_rng(seed)
    instances = np.zeros(size, np.uint16)
    boxes = []
    for number in range(count):
        x1, y1 = int(rng.integers(0, size[1] - 12)), int(rng.integers(0, size[0] - 12))
        x2, y2 = x1 + int(rng.integers(4, 12)), y1 + int(rng.integers(4, 12))
        instances[y1:y2, x1:x2] = number + 1
        boxes.append((x1, y1, x2, y2))
    boxes = np.array(boxes, np.float32)
    points = np.stack([boxes[:, :2] + 1, boxes[:, 2:] - 1], axis=1)
    return {
        "boxes": boxes,
        "classes": rng.integers(0, 3, count),
        "difficult": rng.random(count) < 0.5,
        "crowd": np.arange(count) % 3 == 0,
        "area": (boxes[:, 2:] - boxes[:, :2]).prod(axis=1),
        "keypoints": np.concatenate([points, np.full((count, 2, 1), 2)], axis=2),
        "keypoint_flip": np.array([1, 0]),
        "instances": instances,
        "instance_ids": np.arange(1, count + 1),
    }


class Pictures:
    """Four pictures with objects of one set of boxes, or of both."""

    def __init__(self, boxes):
        self.boxes = boxes

    def __len__(self):
        return 4

    def __getitem__(self, index):
        targets = {}
        for boxes in self.boxes:
            seed = 10 * index + (0 if boxes == FIRST else 100)
            names = member_names(boxes)
            made = objects(seed, 9 - index + (boxes == SECOND))
            targets |= {names[role]: value for role, value in made.items()}
        image = np.random.default_rng(index).integers(0, 256, (48, 64, 3), np.uint8)
        return Sample(str(index), image, targets)


TRANSFORMS = {
    "random_flip": {"p": 1.0},
    "random_crop": {"height": 30, "width": 40},
    "random_affine": {"degrees": 30.0},
    "random_rotate90": {},
    "random_perspective": {"p": 1.0},
    "random_erase": {"p": 1.0},
    "letterbox": {"height": 40, "width": 40},
    "mosaic": {"height": 48, "width": 64, "p": 1.0},
}


def transformed(boxes, name, settings):
    loader = df.Loader(
        Pictures(boxes), batch_size=4, transform=transforms.create(name, **settings), workers=0
    )
    return loader.first_samples(4)


@pytest.mark.parametrize("name", TRANSFORMS)
def test_two_sets_of_boxes_are_each_transformed_as_if_alone(name):
    both = transformed((FIRST, SECOND), name, TRANSFORMS[name])
    for boxes in (FIRST, SECOND):
        for alone, together in zip(transformed((boxes,), name, TRANSFORMS[name]), both):
            assert len(alone.targets) == 9
            for target, value in alone.targets.items():
                np.testing.assert_array_equal(together.targets[target], value, target)
    counts = {len(sample.targets[boxes]) for boxes in (FIRST, SECOND) for sample in both}
    assert len(counts) > 1 or name == "mosaic"


@pytest.mark.parametrize("name", [*TRANSFORMS, "mixup", "copy_paste", "random_box_crop"])
def test_boxes_of_another_name_are_transformed_as_boxes(name):
    """Crowds stay, rotated boxes enclose their objects, areas scale: all by the new names."""
    settings = TRANSFORMS.get(name, {} if name == "random_box_crop" else {"p": 1.0})
    if name == "mixup":
        settings = {"p": 1.0, "drop": ["instances", "part_instances"]}
    renamed = Pictures((FIRST,))
    names = member_names(SECOND)

    class Renamed(Pictures):
        def __getitem__(self, index):
            sample = renamed[index]
            sample.targets = {names[role]: value for role, value in sample.targets.items()}
            return sample

    loader = df.Loader(
        Renamed(()), batch_size=4, transform=transforms.create(name, **settings), workers=0
    )
    for plain, other in zip(transformed((FIRST,), name, settings), loader.first_samples(4)):
        assert set(other.targets) == {names[role] for role in plain.targets}
        for role, value in plain.targets.items():
            np.testing.assert_array_equal(other.targets[names[role]], value, role)


def test_a_loader_drops_boxes_without_area_in_their_own_set_only():
    class Flat(Pictures):
        def __getitem__(self, index):
            sample = super().__getitem__(index)
            sample.targets[SECOND][1, 2:] = sample.targets[SECOND][1, :2]
            return sample

    (sample,) = df.Loader(Flat((FIRST, SECOND)), batch_size=1, workers=0).first_samples(1)
    assert len(sample.targets[FIRST]) == len(sample.targets["crowd"]) == 9
    assert len(sample.targets[SECOND]) == len(sample.targets["part_crowd"]) == 9
    assert sample.targets["part_instance_ids"].tolist() == [1, *range(3, 11)]


def test_instances_of_one_set_are_numbered_apart_from_the_others():
    samples = [Pictures((FIRST, SECOND))[index] for index in range(2)]
    _, second = renumber_instances(samples)
    assert second.targets["instance_ids"].tolist() == list(range(10, 18))
    assert second.targets["part_instance_ids"].tolist() == list(range(11, 20))


def test_copy_paste_of_several_sets_is_refused_and_says_what_to_drop():
    with pytest.raises(DataError, match="part_boxes") as error:
        transformed((FIRST, SECOND), "copy_paste", {"p": 1.0})
    assert "drop=['part_boxes']" in str(error.value)
    dropped = transformed((FIRST, SECOND), "copy_paste", {"p": 1.0, "drop": ["part_boxes"]})
    assert {KINDS[target].boxes or target for target in dropped[0].targets} == {FIRST}


def test_a_target_with_rows_says_which_boxes_it_belongs_to():
    declare_target("weight_of_box", "per_box")
    sample = Pictures((FIRST,))[0]
    sample.targets["weight_of_box"] = np.arange(9.0)
    crop = transforms.create("random_crop", height=30, width=40)
    kept = crop(sample, np.random.default_rng(0)).targets
    assert len(kept["weight_of_box"]) == len(kept["boxes"]) < 9
    both = Pictures((FIRST, SECOND))[0]
    both.targets["weight_of_box"] = np.arange(10.0)
    with pytest.raises(DataError, match="does not say which boxes") as error:
        crop(both, np.random.default_rng(0))
    assert "declare_target('weight_of_box', 'per_box', boxes='boxes')" in str(error.value)
    declare_target("weight_of_box", "per_box", boxes=SECOND)
    kept = crop(both, np.random.default_rng(0)).targets
    assert len(kept["weight_of_box"]) == len(kept[SECOND]) < 10


def test_declarations_that_contradict_each_other_are_refused():
    declare_boxes(SECOND)  # again
    declare_target("part_crowd", "per_box")  # it stays what it is
    assert (KINDS["part_crowd"].boxes, KINDS["part_crowd"].role) == (SECOND, "crowd")
    with pytest.raises(ConfigError, match="declared otherwise"):
        declare_target("part_crowd", "per_box", boxes=FIRST)
    with pytest.raises(ConfigError, match="Unknown role"):
        declare_target("part_crown", "per_box", boxes=SECOND, role="crown")


def test_members_are_found_by_their_boxes():
    targets = Pictures((FIRST, SECOND))[0].targets
    assert member(targets, SECOND, "crowd") == "part_crowd"
    assert member(targets, FIRST, "crowd") == "crowd"
    del targets["part_crowd"]
    assert member(targets, SECOND, "crowd") is None
    standard = under_standard_names(targets, SECOND)
    assert standard["boxes"] is targets[SECOND]
    assert "crowd" not in standard


def test_a_window_overlaps_boxes_of_any_set():
    """Without boxes of the usual name, the picture would stay whole."""
    crop = transforms.create("random_box_crop", min_ious=[0.1])
    sample = Pictures((SECOND,))[0]
    sample.targets["boxes"] = np.zeros((0, 4), np.float32)
    sizes = {crop(sample, np.random.default_rng(seed)).image.shape for seed in range(6)}
    assert len(sizes) > 1
