"""Left and right by the names of keypoints."""

import pytest

from densefit.data.keypoint_sides import side_pairs
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
