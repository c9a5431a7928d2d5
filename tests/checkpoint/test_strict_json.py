import json
import math

import numpy as np
import pytest

from densefit.checkpoint.strict_json import dumps, loads
from densefit.errors import CheckpointError


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        7,
        2**200,
        0.1,
        -0.0,
        float("inf"),
        -float("inf"),
        "text with $ and ü",
        [1, [2.5, None]],
        {"a": {"b": [1]}},
        {"$float": "nan", "$array": 1, "$$": 2},
        {},
    ],
)
def test_what_goes_in_comes_out(value):
    again = loads(dumps(value))
    assert again == value
    assert type(again) is type(value)


def test_nan_comes_out_and_the_text_is_strict_json():
    text = dumps({"a": [float("nan")], "b": -float("inf")})

    def refuse(constant):
        raise ValueError(constant)

    json.loads(text, parse_constant=refuse)
    assert math.isnan(loads(text)["a"][0])


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.uint32).reshape(2, 3),
        np.arange(6).reshape(2, 3).T,
        np.array([np.nan, np.inf, -0.0]),
        np.array(3.5, np.float16),
        np.zeros((0, 4), bool),
        np.arange(3, dtype=">i4"),
    ],
)
def test_arrays_come_out_bit_for_bit(array):
    again = loads(dumps({"x": array}))["x"]
    assert again.dtype == array.dtype
    assert again.shape == array.shape
    assert again.tobytes() == array.tobytes()
    again[...] = 0  # they can be written to


def test_numpy_numbers_become_python_numbers():
    again = loads(dumps([np.float32(0.5), np.int64(3), np.bool_(True)]))
    assert again == [0.5, 3, True]
    assert [type(one) for one in again] == [float, int, bool]


def test_the_place_of_what_cannot_be_stored_is_named():
    with pytest.raises(CheckpointError, match=r"state\['a'\]\[1\]"):
        dumps({"a": [1, object()]})
    with pytest.raises(CheckpointError, match="ndarray"):
        dumps(np.array([object()]))


def test_keys_must_be_text():
    with pytest.raises(CheckpointError, match="int 3"):
        dumps({"counts": {3: 1}})


@pytest.mark.parametrize("text", ["", "{", '{"$array": "?", "dtype": "<f4", "shape": [1]}'])
def test_other_text_is_refused(text):
    with pytest.raises(CheckpointError):
        loads(text)
