import numpy as np
import pytest

from densefit.tools.predicting.pipeline import Item, Result
from densefit.tools.predicting.summary_line import contents, summary_line


class Boxes:
    name, classes, draw_threshold = "boxes", ("cat", "dog", "cow"), 0.5


class Map:
    name, classes = "map", ("sky", "road")


class Kind:
    name, classes = "kind", ("day", "night")


class Depth:
    name = "depth"


OBJECTS = {
    "boxes": np.zeros((4, 4)),
    "scores": np.array([0.9, 0.8, 0.6, 0.4], np.float32),
    "classes": np.array([1, 1, 0, 2]),
}


@pytest.mark.parametrize(
    ("head", "prediction", "text"),
    [
        (Boxes(), OBJECTS, "boxes 3 (2 dog, 1 cat)"),
        (Boxes(), {name: value[:0] for name, value in OBJECTS.items()}, "boxes 0"),
        (Map(), np.array([[0, 1], [1, 1]], np.uint8), "map 75 % road, 25 % sky"),
        (Map(), np.array([[255]], np.uint8), "map 100 % 255"),
        (Kind(), np.array([0.25, 0.75], np.float32), "kind night 0.75"),
        (Depth(), np.array([[1.5, 3]], np.float32), "depth 1.5 to 3"),
        (Map(), {"map": np.ones((1, 1)), "classes": [1, 1, 0]}, "map 3 (2 road, 1 sky)"),
    ],
)
def test_a_prediction_in_some_words(head, prediction, text):
    assert contents(head, prediction) == text


def test_a_line_has_size_contents_and_times():
    item = Item("a.jpg", "a.jpg", lambda: None)
    times = {"decoding": 1.26, "network": 40.0, "after": 2.0}
    result = Result(item, np.zeros((48, 64, 3), np.uint8), {"boxes": OBJECTS}, times)
    expected = "a.jpg 64x48  boxes 3 (2 dog, 1 cat)  decoding 1.3, network 40.0, after 2.0 ms"
    assert summary_line(result, [Boxes()], "a.jpg") == expected
