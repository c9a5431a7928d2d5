import re

import numpy as np
import pytest

from densefit.errors import DataError
from densefit.metrics.panoptic.segments import segments

GOOD = {"map": np.array([[1, 2, 0]]), "ids": np.array([2, 1]), "classes": np.array([0, 2])}


@pytest.mark.parametrize("dtype", [np.uint8, np.uint32, np.int64, np.float32])
def test_any_numbers_are_taken(dtype):
    given = {key: values.astype(dtype) for key, values in GOOD.items()}
    taken = segments(given, 3, "truth of 'a'")
    np.testing.assert_array_equal(taken.map, GOOD["map"])
    np.testing.assert_array_equal(taken.ids, GOOD["ids"])
    np.testing.assert_array_equal(taken.classes, GOOD["classes"])
    assert taken.crowd.tolist() == [False, False]
    assert taken.map.dtype.kind in "iu"


def test_crowds_may_be_given_as_numbers():
    assert segments({**GOOD, "crowd": [0, 1]}, 3, "a").crowd.tolist() == [False, True]


@pytest.mark.parametrize(
    ("change", "message", "received"),
    [
        ({"map": np.array([[1, 1.5]])}, "map of the segments are not whole", "1.5"),
        ({"map": np.array([[1, np.nan]])}, "map of the segments are not whole", "nan"),
        ({"map": np.zeros((1, 2, 3), int)}, "not .height, width", r"\(1, 2, 3\)"),
        ({"ids": np.array([1, 1])}, "Two segments", "1"),
        ({"ids": np.array([1, 0])}, "not above 0", "0"),
        ({"ids": np.array(["x", "y"])}, "ids of the segments are not numbers", "<U1"),
        ({"ids": np.array([1])}, "not one of classes", r"shape \(2,\)"),
        ({"classes": np.array([0, 3])}, "no such class", "class 3 of the segment 1"),
        ({"classes": np.array([-1, 0])}, "no such class", "class -1 of the segment 2"),
        ({"crowd": np.array([True])}, "not one of crowd", r"\(1,\)"),
    ],
)
def test_what_is_wrong_names_the_sample(change, message, received):
    with pytest.raises(DataError, match=message) as error:
        segments({**GOOD, **change}, 3, "truth of 'a'")
    assert error.value.where == "truth of 'a'"
    assert re.search(received, str(error.value.received))


def test_what_is_missing_is_an_error():
    with pytest.raises(DataError, match="lack ids, classes") as error:
        segments({"map": np.zeros((1, 1))}, 3, "truth of 'a'")
    assert error.value.where == "truth of 'a'"
