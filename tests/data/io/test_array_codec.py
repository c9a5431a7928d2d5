import json

import numpy as np
import pytest

from densefit.data.io.array_codec import from_bytes, to_bytes
from densefit.errors import DataError

RUNS = np.empty(2, object)
RUNS[:] = [{"size": [4, 6], "counts": b"\x00\xffab"}, {"size": (4, 6), "counts": [3, 21]}]
ARRAYS = {
    "number": np.array(7, np.int64),
    "none": np.zeros((0, 4), np.float32),
    "turned": np.arange(12, dtype=np.uint16).reshape(3, 4).T,
    "special": np.array([np.nan, -0.0, np.inf], np.float32),
    "flags": np.array([True, False]),
    "big": np.arange(3, dtype=">i4"),
}


@pytest.mark.parametrize("compress", [True, False])
def test_arrays_come_back_equal(compress):
    arrays, note = from_bytes(to_bytes({**ARRAYS, "runs": RUNS}, {"id": "ä"}, compress), "")
    assert note == {"id": "ä"}
    assert list(arrays) == [*ARRAYS, "runs"]
    for name, value in ARRAYS.items():
        assert (arrays[name].dtype, arrays[name].shape) == (value.dtype, value.shape)
        assert arrays[name].tobytes() == value.tobytes()
        arrays[name][...] = 0  # it is the reader's own
    assert arrays["runs"].tolist() == RUNS.tolist()
    assert isinstance(arrays["runs"][1]["size"], tuple)


def test_arrays_of_earlier_versions_are_read():
    """As densefit 0.1.0 wrote them."""
    values = [
        {"map": {"size": [4, 6], "counts": {"bytes": "\x00\xffab"}}},
        {"map": {"size": {"tuple": [4, 6]}, "counts": [3, 21]}},
    ]
    parts = [json.dumps(values).encode(), json.dumps({"bytes": "a"}).encode(), b"NaN"]
    kinds = [("runs", "object", [2]), ("raw", "python", []), ("number", "python", [])]
    table = [[*kind, len(part)] for kind, part in zip(kinds, parts)]
    head = json.dumps({"note": {}, "compressed": False, "arrays": table}).encode()
    data = b"".join([len(head).to_bytes(4, "little"), head, *parts])
    arrays = from_bytes(data, "")[0]
    assert arrays["runs"].tolist() == RUNS.tolist()
    assert arrays["raw"] == b"a"
    assert np.isnan(arrays["number"])


@pytest.mark.parametrize("length", [0, 3, 30, -1])
def test_cut_bytes_are_told(length):
    with pytest.raises(DataError, match=r"cannot be read[\s\S]*where:    a.rec"):
        from_bytes(to_bytes(ARRAYS, {})[:length], "a.rec")


def test_objects_of_numpy_s_numbers_and_nan_come_back_as_plain_ones():
    array = np.empty(2, object)
    array[0], array[1] = (
        {"size": [np.int64(3), 4], "counts": b"ab"},
        (np.float32(0.5), float("nan")),
    )
    ((found,), _) = from_bytes(to_bytes({"odd": array}, {}), "here")[0].values(), None
    assert found[0] == {"size": [3, 4], "counts": b"ab"}
    assert found[1][0] == 0.5
    assert np.isnan(found[1][1])


@pytest.mark.parametrize(
    "array",
    [
        np.array([{"a": {1, 2}}], object),
        np.array([np.zeros(3, "U1"), 1], object),
        np.zeros(2, [("x", np.int32)]),
    ],
    ids=["sets", "arrays of texts within", "fields"],
)
def test_what_would_not_come_back_is_refused(array):
    with pytest.raises(DataError, match="'odd' cannot be packed"):
        to_bytes({"odd": array}, {})


SCALARS = [1, -3, 1.5, float("inf"), True, "abc", b"\x00\xff", np.int64(3), np.uint8(7),
           np.float32(2.5), np.bool_(True), np.str_("q"), np.array(3), np.array("x"),
           np.array(2.5, np.float16)]  # fmt: skip


@pytest.mark.parametrize("value", SCALARS, ids=lambda value: f"{type(value).__name__}-{value!r}")
@pytest.mark.parametrize("compress", [True, False])
def test_numbers_and_texts_alone_come_back_as_they_are(value, compress):
    found = from_bytes(to_bytes({"a": value}, {}, compress), "here")[0]["a"]
    assert type(found) is type(value)
    assert found == value
    assert getattr(found, "dtype", None) == getattr(value, "dtype", None)


def test_what_would_not_come_back_is_told():
    for value in (None, {1}, [1, 2], 1j):
        with pytest.raises(DataError, match="'a' cannot be packed"):
            to_bytes({"a": value}, {})
