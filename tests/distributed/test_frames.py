import numpy as np
import pytest

from densefit.distributed.frames import decode, encode
from densefit.errors import EngineError


def sent(value):
    return decode(b"".join(bytes(piece) for piece in encode(value)))


@pytest.mark.parametrize(
    "value", [None, True, 3, -0.1, "ä", [], {}, [1, [2.5, None]], {"a": {"b": [False]}}]
)
def test_values_arrive_unchanged(value):
    assert sent(value) == value


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6, dtype=np.float32).reshape(2, 3),
        np.zeros((0, 4), np.int64),
        np.array(3.5),
        np.arange(6).reshape(2, 3).T,
        np.array([True, False]),
        np.array(["a", "bc"]),
        np.arange(3, dtype=">i4"),
    ],
)
def test_arrays_arrive_with_dtype_and_shape(array):
    got = sent({"x": [array, 1], "y": array})
    for copy in (got["x"][0], got["y"]):
        np.testing.assert_array_equal(copy, array)
        assert copy.shape == array.shape
        assert copy.dtype == array.dtype.newbyteorder("=")
    assert got["x"][1] == 1


def test_floats_arrive_to_the_last_bit():
    values = [0.1 + 0.2, 1e-310, float("inf"), float("nan")]
    got = sent(values)
    assert got[:3] == values[:3]
    assert np.isnan(got[3])
    assert sent(np.float64(0.1)) == 0.1


@pytest.mark.parametrize("value", [object(), {1: 2}, {"a": b"x"}, [lambda: 0]])
def test_other_objects_are_refused(value):
    with pytest.raises(TypeError):
        encode(value)


@pytest.mark.parametrize("data", [b"", b"\x05", b"\xff" * 8, b"\x02" + b"\0" * 7 + b"{]"])
def test_damaged_messages_are_refused(data):
    with pytest.raises(EngineError):
        decode(data)


def test_an_array_beyond_the_message_is_refused():
    data = b"".join(bytes(piece) for piece in encode(np.zeros(4)))
    with pytest.raises(EngineError, match="cut"):
        decode(data[:-1])
