"""Heads of boxes that learn boxes of another name, or two of them side by side."""

import numpy as np
import pytest

import densefit as df
from densefit.data.classes.class_matching import match_head
from densefit.data.geometry.box_members import declare_boxes, member_names
from densefit.data.sample import Sample
from densefit.datasets.shapes import Shapes
from densefit.errors import ConfigError
from densefit.model.heads.network_head import NetworkHead

BOXES = "toy_boxes"
TASKS = {
    "detection": {"strides": (8, 16), "channels": 8},
    "faster_rcnn": {"strides": (8, 16), "channels": 8},
    "fcos": {"strides": (8, 16), "channels": 8, "depth": 1},
    "retinanet": {"strides": (8, 16), "channels": 8, "depth": 1},
    "yolox": {"strides": (8, 16), "channels": 8, "depth": 1},
    "instance": {"channels": 8, "detection": {"strides": (8, 16), "channels": 8}},
    "mask_rcnn": {"mask_channels": 8, "detection": {"strides": (8, 16), "channels": 8}},
    "keypoints": {"channels": 8, "keypoints": Shapes.keypoint_names},
}
SHAPES = Shapes(4, size=(64, 64), empty=0.0, keypoints=True)


class Toys:
    """Shapes whose boxes have another name and numbers, beside boxes of something else."""

    classes = ("a", "b", "c")
    toy_classes = (*SHAPES.classes[1:], SHAPES.classes[0])
    toy_keypoint_names = SHAPES.keypoint_names

    def __len__(self):
        return len(SHAPES)

    def __getitem__(self, index):
        sample = SHAPES[index]
        names = member_names(BOXES)
        targets = {names.get(role, role): value for role, value in sample.targets.items()}
        targets["toy_classes"] = (targets["toy_classes"] - 1) % len(SHAPES.classes)
        targets |= {
            "boxes": np.array([[1, 2, 9, 12]], np.float32),
            "classes": np.array([1]),
            "crowd": np.array([True]),
            "instances": np.zeros((64, 64), np.uint16),
        }
        return Sample(sample.id, sample.image, targets)


declare_boxes(BOXES)


def made(task, **settings):
    return df.head(task, classes=SHAPES.classes, name="head", **TASKS[task], **settings)


def assert_equal(one, other, where):
    if isinstance(one, dict):
        assert set(one) == set(other), where
        for key, value in one.items():
            assert_equal(value, other[key], f"{where}/{key}")
    else:
        np.testing.assert_array_equal(one, other, where)


@pytest.mark.parametrize("task", TASKS)
def test_labels_and_ground_truth_are_those_of_a_head_of_the_usual_names(task):
    usual, other = made(task), made(task, target=BOXES)
    assert set(other.targets) == {member_names(BOXES)[name] for name in usual.targets}
    one, two = (
        next(df.Loader(data, batch_size=4, heads=[head], workers=0))
        for data, head in ((SHAPES, usual), (Toys(), other))
    )
    assert two.labelled["head"].all()
    assert_equal(one.labels, two.labels, task)
    for counted in ("positives/head", "objects/head"):
        assert one.counts[counted] == two.counts[counted]
    match = match_head(Toys(), other)
    for usual_targets, toys in zip(one.targets, two.targets, strict=True):
        assert_equal(usual.ground_truth(usual_targets), other.ground_truth(match(toys)), task)
    assert usual.class_rows() == other.class_rows()


@pytest.mark.parametrize("task", ["detection", "instance", "keypoints"])
def test_a_sample_without_the_boxes_trains_and_scores_nothing(task):
    """Its boxes of other names are not taken for them."""
    other = made(task, target=BOXES)
    sample = match_head(SHAPES, other)(SHAPES[0].targets)
    assert other.ground_truth(sample) is None
    assert not other.is_labelled(Sample("0", SHAPES[0].image, sample))


@pytest.mark.parametrize(
    ("target", "fix"),
    [("room_classes", "room_boxes"), ("keypoints", "boxes"), ("mask", "room_boxes"), (3, "room_")],
)
def test_a_target_that_is_no_boxes_is_refused(target, fix):
    with pytest.raises(ConfigError, match="no name of boxes") as error:
        made("keypoints", target=target)
    assert f'target="{fix}' in str(error.value)


def test_two_heads_of_one_picture_are_scored_on_their_boxes():
    """Rows of the objects themselves have an AP of 1 with one head's boxes, 0 with the others."""
    heads = [
        df.head("detection", classes=Toys.classes, name="first", **TASKS["detection"]),
        df.head("detection", classes=SHAPES.classes, target=BOXES, **TASKS["detection"]),
    ]
    loader = df.Loader(Toys(), batch_size=4, heads=heads, workers=0)
    batch = next(loader)
    batch.matches = loader.matches
    rows = np.full((4, 9, 6), -1.0, np.float32)
    for row, sample in enumerate(SHAPES):
        boxes, classes = sample.targets["boxes"], sample.targets["classes"]
        rows[row, : len(boxes)] = np.column_stack([classes, np.ones(len(boxes)), boxes])
    scores = {}
    for head in heads:
        adapter = NetworkHead(head)
        adapter.evaluate_outputs = ["boxes"]
        read = adapter.read("evaluate", {f"{head.name}_boxes": rows}, batch)
        (metric,) = head.metrics()
        metric.update(*read[:2], ids=read[2])
        scores[head.name] = metric.compute()["AP50"]
        truths = [truth["boxes"].tolist() for truth in read[1]]
        assert (truths == [[[1, 2, 9, 12]]] * 4) == (head.name == "first")
    assert scores["detection"] == 1.0
    assert not scores["first"] > 0


def test_a_mixture_renames_boxes_with_all_that_belongs_to_them():
    other = Shapes(3, size=(64, 64), empty=0.0, keypoints=True)
    other.classes = ("car", "bus", "tram")[: len(SHAPES.classes)]
    mixture = df.Mixture(
        {"shapes": SHAPES, "streets": other},
        targets={"shapes": {"boxes": BOXES}},
        rename={"shapes": {SHAPES.classes[0]: None}},
    )
    assert mixture.classes == list(other.classes)
    assert mixture.toy_classes == list(SHAPES.classes[1:])
    assert mixture.toy_keypoint_names == list(SHAPES.keypoint_names)
    targets = mixture[0].targets
    names = {member_names(BOXES).get(name, name) for name in SHAPES[0].targets}
    assert set(targets) - {"known_mask_classes"} == names
    assert {"boxes", "classes", "crowd", "area", "instances", "keypoints"}.isdisjoint(targets)
    assert set(mixture.targets_of(0)) == names
    kept = SHAPES[0].targets["classes"] > 0
    np.testing.assert_array_equal(targets[BOXES], SHAPES[0].targets["boxes"][kept])
    heads = [
        df.head("detection", classes=mixture.classes, **TASKS["detection"]),
        df.head("instance", classes=mixture.toy_classes, target=BOXES, **TASKS["instance"]),
    ]
    batch = next(df.Loader(mixture, batch_size=7, heads=heads, workers=0))
    assert batch.labelled["detection"].tolist() == [name[:2] == "st" for name in batch.ids]
    assert batch.labelled["instance"].tolist() == [name[:2] == "sh" for name in batch.ids]


def test_classes_that_a_dataset_lacks_are_not_annotated_under_the_new_name():
    less = Shapes(2, size=(64, 64), empty=0.0)
    renamed = {"boxes": BOXES}
    mixture = df.Mixture(
        {"all": SHAPES, "some": less},
        targets={"all": renamed, "some": renamed},
        unknown="drop",
        rename={"some": dict.fromkeys(SHAPES.classes[1:])},
    )
    head = made("detection", target=BOXES)
    known = mixture[len(SHAPES)].targets["known_toy_classes"]
    sample = Sample("x", mixture[4].image, match_head(mixture, head)(mixture[4].targets))
    assert head.annotated_classes(sample).tolist() == [1.0, *known.astype(float)]
    assert known.tolist() == [True, *[False] * (len(SHAPES.classes) - 1)]
