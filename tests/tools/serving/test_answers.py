import base64
import io
import json

import cv2
import numpy as np
import pytest

from densefit.tools.serving.answers import as_json, prediction_json


class Head:
    name, classes = "own", ("cat", "dog")


class Plain:
    name = "plain"


def array_of(entry):
    content = base64.b64decode(entry["npy"])
    return np.load(io.BytesIO(content), allow_pickle=False)


def test_objects_have_names_and_all_digits():
    prediction = {
        "boxes": np.array([[0.1, 0, 2, 3]], np.float32),
        "keypoints": np.full((1, 2, 3), 0.1, np.float32),
        "scores": np.array([1 / 3], np.float32),
        "classes": np.array([1]),
        "masks": [{"size": [2, 2], "counts": "13"}],
    }
    found = json.loads(json.dumps(prediction_json(prediction, Head)))
    assert found["classes"] == ["dog"]
    assert found["masks"] == prediction["masks"]
    for name in ("boxes", "keypoints", "scores"):
        np.testing.assert_array_equal(np.array(found[name], np.float32), prediction[name])


def test_maps_are_files():
    mask = np.array([[0, 1, 255]], np.uint8)
    found = prediction_json(mask, Head)
    decoded = cv2.imdecode(np.frombuffer(base64.b64decode(found["png"]), np.uint8), -1)
    np.testing.assert_array_equal(decoded, mask)
    assert found["classes"] == ["cat", "dog"]
    for numbers in (np.array([[0.5, 2]], np.float32), np.ones((2, 2, 3), np.float32)):
        np.testing.assert_array_equal(array_of(prediction_json(numbers, Plain)), numbers)
    segments = {"map": np.array([[0, 700]], np.int32), "ids": np.array([700])}
    found = prediction_json(segments, Plain)
    np.testing.assert_array_equal(array_of(found["map"]), segments["map"])
    assert found["ids"] == [700]


def test_probabilities_have_names():
    found = prediction_json(np.array([0.25, 0.75], np.float32), Head)
    assert found == {"class": "dog", "probabilities": {"cat": 0.25, "dog": 0.75}}


def test_what_json_cannot_say_is_an_error():
    class Network:
        heads = (Plain,)

    image = np.zeros((2, 2, 3), np.uint8)
    with pytest.raises(ValueError, match="JSON"):
        as_json(Network, image, {"plain": np.array([np.nan], np.float32)})
