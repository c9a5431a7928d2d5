"""Left and right by the names of keypoints."""

import logging

import numpy as np
import pytest

import densefit as df
from densefit.data.checks.keypoint_sides import order_of, side_pairs
from densefit.errors import ConfigError, DataError
from densefit.tasks.keypoints.skeleton import COCO_FLIP_PAIRS, COCO_NAMES


def test_the_pairs_of_coco():
    assert side_pairs(COCO_NAMES) == (COCO_FLIP_PAIRS, [])


@pytest.mark.parametrize(
    "form",
    [
        "left_eye right_eye",
        "eye_left eye_right",
        "LeftEye RightEye",
        "leftEye rightEye",
        "EyeLeft EyeRight",
        "l_eye r_eye",
        "eye_l eye_r",
        "L-Eye R-Eye",
        "LEye REye",
        "eyeL eyeR",
        "LEFT_EYE RIGHT_EYE",
        "lefteye righteye",
        "eyeleft eyeright",
        "left.eye.2 right.eye.2",
        "eye_left_2 eye_right_2",
        "l_eye right_eye",
        "左眼 右眼",
        "left right",
        "L1 R1",
    ],
)
def test_forms_of_names(form):
    left, right = form.split()
    assert side_pairs([right, "nose", left]) == ([[left, right]], [])
    assert side_pairs([left, right]) == ([[left, right]], [])


def test_blanks_are_no_other_words():
    assert side_pairs(["left eye", "right eye"]) == ([["left eye", "right eye"]], [])


def test_two_sides_both_change():
    names = [f"{eye}Eye{corner}Corner" for eye in ("Left", "Right") for corner in ("Left", "Right")]
    pairs, alone = side_pairs(names)
    assert pairs == [
        ["LeftEyeLeftCorner", "RightEyeRightCorner"],
        ["LeftEyeRightCorner", "RightEyeLeftCorner"],
    ]
    assert alone == []


@pytest.mark.parametrize(
    "names",
    [
        ["nose", "bright", "light", "upright"],  # "left" and "right" inside of words
        ["l", "r", "m"],  # letters that are all of the name
        ["l_knee", "r_hip", "ear_r"],  # letters without a counterpart
        ["L1", "L2", "L3"],
        ["", "_", "9"],
    ],
)
def test_what_is_no_side(names):
    assert side_pairs(names) == ([], [])


@pytest.mark.parametrize(
    ("names", "alone"),
    [
        (["left_eye", "nose"], ["left_eye"]),
        (["left", "nose"], ["left"]),
        (["left_eye", "right_ear"], ["left_eye", "right_ear"]),
        (["left_eye", "eye_left", "right_eye"], ["left_eye", "eye_left", "right_eye"]),
    ],
)
def test_sides_without_a_counterpart_or_with_two(names, alone):
    assert side_pairs(names) == ([], alone)


class Faces:
    """Own data, which say what the keypoints are called and nothing else."""

    keypoint_names = ("eye_left", "eye_right", "mouth")

    def __len__(self):
        return 4

    def __getitem__(self, index):
        points = [[[10, 12, 2], [30, 12, 2], [20, 30, 1]]] if index else []
        boxes = [[5, 5, 40, 40]] if index else []
        image = np.zeros((48, 48, 3), np.uint8)
        targets = {"boxes": boxes, "classes": [0] * len(boxes), "keypoints": points}
        return df.Sample(str(index), image, targets)


def loader_of(data, **settings):
    names = list(data.keypoint_names)
    head = df.head("keypoints", classes=["face"], keypoints=names, channels=8, **settings)
    flip = df.transforms.Compose([df.transform("random_flip", p=1.0)])
    return df.Loader(data, batch_size=4, transform=flip, heads=[head])


def test_names_tell_the_order_in_a_mirrored_picture(caplog):
    with caplog.at_level(logging.WARNING), loader_of(Faces()) as loader:
        next(loader)
        shown = loader.first_samples(2)
    points = shown[1].targets["keypoints"][0].tolist()
    assert points == [[18, 12, 2], [38, 12, 2], [28, 30, 1]]  # the eye at the left is the left one
    assert shown[0].targets["keypoints"].shape == (0, 3, 3)
    assert caplog.text.count("eye_left - eye_right") <= 2  # of the head, and of the dataset


def test_pairs_that_a_dataset_states_go_before_its_names():
    data = Faces()
    data.flip_pairs = [["mouth", "eye_left"]]
    assert order_of(data).tolist() == [2, 1, 0]
    data.flip_pairs = []
    assert order_of(data).tolist() == [0, 1, 2]
    data.keypoint_names = ["nose", "tail", "mouth"]
    assert order_of(data).tolist() == [0, 1, 2]
    with loader_of(data, flip_pairs=[]) as loader:
        next(loader)
    data.flip_pairs = [["nose", "tial"]]
    with pytest.raises(ConfigError, match="did you mean 'tail'"):
        order_of(data)


@pytest.mark.parametrize("names", [["nose", "tail", "mouth"], ["eye_left", "nose", "ear_right"]])
def test_names_that_do_not_tell_are_an_error_in_a_mirror(names):
    data = Faces()
    data.keypoint_names = names
    with pytest.raises(DataError) as caught, loader_of(data, flip_pairs=[]) as loader:
        next(loader)
    assert "`flip_pairs`" in caught.value.fix
    assert "arange" not in str(caught.value)


def test_a_head_that_says_otherwise_is_told_what_to_give_the_dataset():
    with loader_of(Faces(), flip_pairs=[]) as loader, pytest.raises(DataError) as caught:
        next(loader)
    assert "the dataset's attribute flip_pairs" in caught.value.fix
