import json

import cv2
import numpy as np
import pytest

from densefit.tools.report.predictions_json import prediction_to_json


class Head:
    name = "own"
    classes = ("cat", "dog")


@pytest.fixture
def plain(tmp_path):
    def written(prediction, head=Head):
        found = prediction_to_json(prediction, head, tmp_path, "a.b.jpg")
        return json.loads(json.dumps(found))

    return written


def test_boxes_have_the_names_of_their_classes(plain):
    found = plain(
        {
            "boxes": np.array([[0, 1, 2, 3.1]], np.float32),
            "scores": np.array([0.9], np.float32),
            "classes": np.array([1]),
        }
    )
    assert found == {"boxes": [[0, 1, 2, 3.1]], "scores": [0.9], "classes": ["dog"]}


def test_no_boxes_are_empty_lists(plain):
    nothing = {"boxes": np.zeros((0, 4), np.float32), "classes": np.zeros(0, np.int64)}
    assert plain(nothing) == {"boxes": [], "classes": []}


def test_a_map_of_classes_is_a_png(plain, tmp_path):
    mask = np.array([[0, 1, 255]], np.uint8)
    assert plain(mask) == {"mask": "a.b.own.png", "classes": ["cat", "dog"]}
    assert (cv2.imread(str(tmp_path / "a.b.own.png"), cv2.IMREAD_UNCHANGED) == mask).all()


def test_another_map_is_an_array_file(plain, tmp_path):
    depth = np.array([[0.5, 1.25]], np.float32)
    assert plain(depth) == {"map": "a.b.own.npy"}
    assert (np.load(tmp_path / "a.b.own.npy") == depth).all()


def test_probabilities_have_names(plain):
    found = plain(np.array([0.25, 0.75], np.float32))
    assert found == {"class": "dog", "probabilities": {"cat": 0.25, "dog": 0.75}}


def test_other_numbers_stay_numbers(plain):
    assert plain(2.5) == 2.5
    assert plain(np.float32(0.1)) == 0.1
    assert plain(np.arange(3)) == [0, 1, 2]


def test_masks_stay_run_lengths(plain):
    masks = [{"size": [4, 4], "counts": "52203"}, {"size": [4, 4], "counts": "0`0"}]
    assert plain({"masks": masks, "classes": np.array([0, 1])})["masks"] == masks
    assert plain({"masks": [], "classes": np.zeros(0, int)}) == {"masks": [], "classes": []}


def test_a_map_of_segments_is_a_file_beside_what_describes_it(plain, tmp_path):
    segments = np.array([[0, 1, 300]], np.int32)
    found = plain({"map": segments, "ids": np.array([1, 300]), "classes": np.array([1, 0])})
    assert found == {"map": "a.b.own.npy", "ids": [1, 300], "classes": ["dog", "cat"]}
    assert (np.load(tmp_path / "a.b.own.npy") == segments).all()
