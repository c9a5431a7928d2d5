import random
import struct
import tracemalloc

import numpy as np
import pytest

from densefit.backend import mx
from densefit.checkpoint.weights.files import mxnet_params
from densefit.errors import CheckpointError

DTYPES = ["float32", "float64", "float16", "uint8", "int32", "int8", "int64", "bool"]
BFLOAT16 = np.dtype([("bfloat16", np.uint16)])


def arrays():
    rng = np.random.default_rng(0)
    found = {f"arg:{dtype}": rng.integers(0, 2, (2, 3)).astype(dtype) for dtype in DTYPES}
    found["arg:bfloat16"] = np.array([16320, 16416], np.uint16).view(BFLOAT16)
    found["aux:ü"] = np.array([np.nan, np.inf, -0.0], np.float32)
    return found


def whole(given):
    return b"".join(mxnet_params.pieces(given))


def same(found, given):
    assert list(found) == list(given)
    for name, value in given.items():
        value = np.asarray(value)
        assert found[name].dtype == value.dtype
        assert found[name].shape == value.shape
        assert found[name].tobytes() == value.tobytes()


def test_byte_for_byte_what_mxnet_writes(tmp_path):
    given = arrays()
    path = str(tmp_path / "x.params")
    mx.nd.save(path, {name: mx.nd.array(value, dtype=value.dtype) for name, value in given.items()})
    data = (tmp_path / "x.params").read_bytes()
    assert whole(given) == data
    same(mxnet_params.load(data), given)
    assert whole({}) == struct.pack("<QQQQ", 0x112, 0, 0, 0)
    assert mxnet_params.load(whole({})) == {}


def test_strided_arrays(tmp_path):
    value = np.arange(24.0).reshape(4, 6)[::2, ::-3]
    (tmp_path / "x").write_bytes(whole({"x": value}))
    np.testing.assert_array_equal(mx.nd.load(str(tmp_path / "x"))["x"].asnumpy(), value)


@pytest.mark.parametrize(
    "head",
    [
        struct.pack("<Iiqq", 0xF993FAC8, 2, 2, 3),  # MXNet 0.12
        struct.pack("<III", 2, 2, 3),  # before
    ],
)
def test_files_of_older_versions(tmp_path, head):
    value = np.arange(6, dtype=np.float32).reshape(2, 3)
    data = struct.pack("<QQQ", 0x112, 0, 1) + head + struct.pack("<iii", 1, 0, 0)
    data += value.tobytes() + struct.pack("<QQ", 1, 5) + b"arg:x"
    (tmp_path / "x").write_bytes(data)
    np.testing.assert_array_equal(mx.nd.load(str(tmp_path / "x"))["arg:x"].asnumpy(), value)
    same(mxnet_params.load(data), {"arg:x": value})


@pytest.mark.parametrize(
    "value",
    [np.zeros((0, 3), np.float32), np.float32(1), np.ones(2, np.uint16), np.array(["a"]),
     np.ones(2, complex)],
)  # fmt: skip
def test_what_the_format_cannot_hold(value):
    with pytest.raises(CheckpointError, match="arg:w"):
        mxnet_params.pieces({"arg:w": value})


def test_every_truncation_is_seen():
    data = whole({"arg:w": np.ones((2, 2), np.float32), "aux:m": np.ones(1)})
    for length in range(len(data)):
        with pytest.raises(ValueError, match=r"\w"):
            mxnet_params.load(data[:length])
    with pytest.raises(ValueError, match="1 bytes too many"):
        mxnet_params.load(data + b"\0")


def test_garbage_takes_neither_time_nor_memory():
    """What makes MXNet's own reader crash or ask for all memory."""
    rng = random.Random(0)
    data = whole({"arg:w": np.ones((2, 2), np.float32), "aux:m": np.ones(1)})
    read = 0
    tracemalloc.start()
    for _ in range(3000):
        changed = bytearray(data)
        for _ in range(rng.randrange(1, 4)):
            place = rng.randrange(len(data))
            changed[place] = rng.choice([0, 1, 127, 255, rng.randrange(256)])
        try:
            found = mxnet_params.load(bytes(changed))
        except ValueError:
            continue
        read += 1
        assert sum(array.nbytes for array in found.values()) < len(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert 100 < read < 2900
    assert peak < 2**20


def put(data, place, form, value):
    return data[:place] + struct.pack(form, value) + data[place + struct.calcsize(form) :]


ONE = b"".join(mxnet_params.pieces({"arg:w": np.ones((2, 2), np.float32)}))
HOSTILE = {
    "another magic": put(ONE, 0, "<Q", 0x113),
    "reserved": put(ONE, 8, "<Q", 1),
    "arrays without end": put(ONE, 16, "<Q", 2**64 - 1),
    "more arrays": put(ONE, 16, "<Q", 2),
    "row sparse": put(ONE, 28, "<i", 1),
    "no dimensions": put(ONE, 32, "<i", 0),
    "unknown dimensions": put(ONE, 32, "<i", -1),
    "dimensions without end": put(ONE, 32, "<i", 2**31 - 1),
    "a huge dimension": put(ONE, 36, "<q", 2**62),
    "a dimension of nothing": put(ONE, 36, "<q", 0),
    "a negative dimension": put(ONE, 36, "<q", -2),
    "two negative dimensions": put(put(ONE, 36, "<q", -2), 44, "<q", -2),
    "an unknown dtype": put(ONE, 60, "<i", 8),
    "a wider dtype": put(ONE, 60, "<i", 1),
    "names without end": put(ONE, 80, "<Q", 2**63),
    "no names": ONE[:80] + struct.pack("<Q", 0),
    "a name without end": put(ONE, 88, "<Q", 2**64 - 1),
    "a name that is no text": ONE[:-1] + b"\xff",
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_files(data):
    with pytest.raises(ValueError, match=r"\w"):
        mxnet_params.load(data)


def test_a_name_given_twice():
    data = whole({"a": np.ones(1), "b": np.ones(1)})
    with pytest.raises(ValueError, match="twice"):
        mxnet_params.load(data[:-1] + b"a")
