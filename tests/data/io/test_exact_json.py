import json
import math

import numpy as np
import pytest

from densefit.data.io import exact_json, strict_json
from densefit.data.io.exact_json import dumps, loads
from densefit.errors import DataError


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
        b"\x00\xffab",
        ("a", [(1, 2), b""]),
        {"size": (4, 6), "counts": b"12"},
    ],
)
def test_what_goes_in_comes_out(value):
    again = loads(dumps(value))
    assert again == value
    assert type(again) is type(value)


def test_tuples_become_lists_and_bytes_are_refused_where_both_are_unwanted():
    assert dumps((1, (2,)), tuples=False) == "[1, [2]]"
    with pytest.raises(DataError, match=r"state\[0\]"):
        dumps([b"a"], "state", tuples=False)


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
    with pytest.raises(DataError, match=r"value\['a'\]\[1\]"):
        dumps({"a": [1, object()]})
    with pytest.raises(DataError, match="ndarray"):
        dumps(np.array([object()]))


def test_keys_may_be_numbers_and_stay_them():
    for value in ({0: 0, 255: {"$a": [{1: 2}]}}, {"a": 1, 0.5: 2, None: 3, "0": 4}):
        again = loads(dumps(value))
        assert again == value
        assert [type(key) for key in again] == [type(key) for key in value]
    assert loads(dumps({np.int64(3): 1})) == {3: 1}
    with pytest.raises(DataError, match=r"tuple[\s\S]*value\['a'\]"):
        dumps({"a": {(1, 2): 3}})


@pytest.mark.parametrize("pairs", ["1", "[1]", "[[1]]", "[[1, 2], [1, 3]]", "[[[], 1]]"])
def test_pairs_that_are_none_are_refused(pairs):
    with pytest.raises(DataError):
        loads(f'{{"$pairs": {pairs}}}')


@pytest.mark.parametrize("text", ["", "{", '{"$array": "?", "dtype": "<f4", "shape": [1]}'])
def test_other_text_is_refused(text):
    with pytest.raises(DataError):
        loads(text)


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        "[Infinity]",
        "-Infinity",
        "1e999",
        '{"a": 1, "a": 1}',
        '{"$float": "nan", "a": 1}',
        '{"$float": "1.0"}',
        '{"$float": ["nan"]}',
        '{"$other": 1}',
        '{"$tuple": 1}',
        '{"$bytes": "\\u1234"}',
        '{"$bytes": "a", "b": 1}',
        '{"$array": "AAAA", "dtype": "|u1"}',
        '{"$array": "AAAA", "dtype": "|u1", "shape": [3], "more": 1}',
        '{"$array": "AAAA", "dtype": "|u1", "shape": [4]}',
        '{"$array": "AAAA", "dtype": "|u1", "shape": [-1]}',
        '{"$array": "AAAA", "dtype": "|u1", "shape": [3.0]}',
        '{"$array": "AAAA", "dtype": "|u1", "shape": "3"}',
        '{"$array": "AAAA", "dtype": "O", "shape": [3]}',
        '{"$array": "AAAA", "dtype": "i1,i2", "shape": [1]}',
        '{"$array": "AAA", "dtype": "|u1", "shape": [2]}',
        '{"$array": 3, "dtype": "|u1", "shape": [3]}',
        '{"a": 1} {}',
        "1" * 2000,
    ],
)
def test_what_dumps_does_not_write_is_refused(text):
    with pytest.raises(DataError, match="not what densefit writes"):
        loads(text)


def test_bytes_that_are_no_text():
    assert loads('{"ü": 1}'.encode()) == {"ü": 1}
    with pytest.raises(DataError, match="not what densefit writes"):
        loads(b'"\xff"')


@pytest.mark.parametrize("kind", [list, dict])
def test_depth_is_bounded_on_both_sides(kind):
    value = 1
    for _ in range(exact_json.MAX_DEPTH):
        value = [value] if kind is list else {"a": value}
    assert loads(dumps(value)) == value
    with pytest.raises(DataError, match="too deep"):
        dumps([value])
    with pytest.raises(DataError, match="too deep"):
        loads(f"[{dumps(value)}]")
    circle = []
    circle.append(circle)
    with pytest.raises(DataError, match="too deep"):
        dumps(circle)


@pytest.mark.parametrize(("bound", "value"), [("MAX_BYTES", "x" * 1000), ("MAX_VALUES", [0] * 99)])
def test_size_is_bounded_on_both_sides(monkeypatch, bound, value):
    text = dumps(value)
    monkeypatch.setattr(strict_json, bound, 90)
    for attempt in (lambda: dumps(value), lambda: loads(text), lambda: loads(text.encode())):
        with pytest.raises(DataError, match="too large"):
            attempt()


def test_long_numbers_are_bounded_on_both_sides():
    assert loads(dumps(2**3000 - 1)) == 2**3000 - 1
    with pytest.raises(DataError, match="cannot hold this"):
        dumps(2**3001)


def test_texts_of_any_kind():
    for text in ("\ud800", "\0", "$", "\U0001f600"):
        assert loads(dumps({text: text})) == {text: text}
