import json
import tracemalloc

import numpy as np
import pytest
from safetensors import numpy as library

from densefit.checkpoint.storage import tensors
from densefit.errors import CheckpointError

BFLOAT16 = np.dtype([("bfloat16", np.uint16)])


def whole(arrays):
    return b"".join(tensors.pieces(arrays))


def file(header, body=b"", length=None):
    """A file with a header of our choice."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + body


def entry(dtype="F32", shape=(2,), begin=0, end=8, **more):
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end], **more}


@pytest.mark.parametrize(
    "dtype",
    "float64 float32 float16 int64 int32 int16 int8 uint64 uint32 uint16 uint8 bool".split(),
)
def test_as_the_library_reads_and_writes(dtype):
    rng = np.random.default_rng(0)
    arrays = {
        "matrix": rng.integers(0, 2, (3, 4)).astype(dtype),
        "strided": rng.integers(0, 2, (4, 6)).astype(dtype)[::2, ::-3],
        "ü/0.[1]": rng.integers(0, 2, 5).astype(np.dtype(dtype).newbyteorder(">")),
        "scalar": np.array(1, dtype),
        "empty": np.zeros((0, 4), dtype),
        "byte": np.ones(3, np.int8),
    }
    plain = {name: np.array(value, dtype=value.dtype.newbyteorder("="), order="C")
             for name, value in arrays.items()}  # fmt: skip
    for found in (
        library.load(whole(arrays)),
        tensors.load(library.save(plain, {"format": "np"})),
        tensors.load(bytearray(whole(arrays))),
    ):
        assert found.keys() == arrays.keys()
        for name, value in plain.items():
            assert found[name].dtype == value.dtype
            assert found[name].shape == value.shape
            assert found[name].tobytes() == value.tobytes()


def test_nothing_is_copied_that_need_not_be():
    big = np.zeros((256, 1024), np.float32)
    tracemalloc.start()
    pieces = tensors.pieces({"big": big, "small": np.zeros(2)})
    data = bytearray(b"".join(pieces))
    tracemalloc.reset_peak()
    before = tracemalloc.get_traced_memory()[0]
    found = tensors.load(data)
    assert tracemalloc.get_traced_memory()[1] - before < big.nbytes / 4
    tracemalloc.stop()
    assert any(np.shares_memory(np.asarray(piece), big) for piece in pieces)
    found["big"][0, 0] = 1  # writable, as the bytes are
    with pytest.raises(ValueError, match="read-only"):
        tensors.load(bytes(data))["big"][0, 0] = 1


def test_each_array_begins_at_a_multiple_of_its_width():
    found = tensors.load(whole({"a": np.ones(3, np.int8), "b": np.ones(3, np.int16),
                                "c": np.ones(3), "d": np.ones(1, bool)}))  # fmt: skip
    assert all(array.flags.aligned for array in found.values())


def test_mxnet_s_bfloat16():
    value = np.array([16320, 16416], np.uint16).view(BFLOAT16)
    data = whole({"x": value})
    assert b'"BF16"' in data
    found = tensors.load(data)["x"]
    assert found.dtype == BFLOAT16
    assert found.tobytes() == value.tobytes()


def test_no_arrays():
    assert tensors.load(whole({})) == {}


@pytest.mark.parametrize(
    "arrays",
    [
        {"x": np.array(["text"])},
        {"x": np.array([object()])},
        {"x": np.ones(2, complex)},
        {"x": np.zeros(2, [("a", "f4"), ("b", "f4")])},
        {3: np.ones(2)},
        {"__metadata__": np.ones(2)},
    ],
)
def test_what_cannot_be_stored(arrays):
    with pytest.raises(CheckpointError, match="An array cannot be stored"):
        tensors.pieces(arrays)


HOSTILE = {
    "nothing": b"",
    "no header": (8).to_bytes(8, "little"),
    "a header beyond the end": file({}, length=100),
    "the hugest header": file({}, length=2**64 - 1),
    "a header beyond the limit": file(b" " * (tensors.MAX_HEADER + 1)),
    "no JSON": file(b"not JSON"),
    "no UTF-8": file(b'{"\xff": 1}'),
    "deep": file(b"[" * 100_000),
    "deep objects": file(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "a list": file([]),
    "nan": file(b'{"x":{"dtype":"F32","shape":[NaN],"data_offsets":[0,8]}}', b"\0" * 8),
    "twice": file(b'{"x":%(e)s,"x":%(e)s}' % {b"e": json.dumps(entry()).encode()}, b"\0" * 8),
    "bytes left": file({"x": entry()}, b"\0" * 9),
    "bytes missing": file({"x": entry()}, b"\0" * 7),
    "out of range": file({"x": entry(begin=8, end=16)}, b"\0" * 8),
    "far out of range": file({"x": entry("U8", [2**47], 0, 2**47)}, b"\0" * 8),
    "a gap": file({"x": entry(), "y": entry(begin=12, end=20)}, b"\0" * 20),
    "overlapping": file({"x": entry(), "y": entry(begin=4, end=12)}, b"\0" * 12),
    "the same place": file({"x": entry(), "y": entry()}, b"\0" * 8),
    "backwards": file({"x": entry(begin=8, end=0)}, b"\0" * 8),
    "negative": file({"x": entry(shape=[-2], begin=0, end=8)}, b"\0" * 8),
    "negative twice": file({"x": entry(shape=[-1, -2])}, b"\0" * 8),
    "another size": file({"x": entry(shape=[3])}, b"\0" * 8),
    "an overflowing size": file({"x": entry(shape=[2**33, 2**33])}, b"\0" * 8),
    "a fraction": file({"x": entry(shape=[2.0])}, b"\0" * 8),
    "a truth": file({"x": entry("F64", [True])}, b"\0" * 8),
    "no numbers": file({"x": entry(shape=["2"])}, b"\0" * 8),
    "a text as shape": file({"x": {**entry(), "shape": "2"}}, b"\0" * 8),
    "three offsets": file({"x": {**entry(), "data_offsets": [0, 4, 8]}}, b"\0" * 8),
    "many dimensions": file({"x": entry(shape=[1] * 60 + [2])}, b"\0" * 8),
    "nothing of impossible shape": file({"x": entry(shape=[0] + [2**47] * 20, end=0)}),
    "an unknown dtype": file({"x": entry("F8_E4M3", [8])}, b"\0" * 8),
    "a Python dtype": file({"x": entry("O", [1])}, b"\0" * 8),
    "a dtype that is none": file({"x": entry(["F32"])}, b"\0" * 8),
    "another key": file({"x": entry(more=1)}, b"\0" * 8),
    "a missing key": file({"x": {"dtype": "F32", "shape": [2]}}, b"\0" * 8),
    "no entry": file({"x": [1, 2]}),
    "metadata among arrays": file({"x": entry(), "__metadata__": 1, "y": None}, b"\0" * 8),
}  # fmt: skip


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_files(data):
    tracemalloc.start()
    with pytest.raises(ValueError, match=r"\w"):
        tensors.load(data)
    assert tracemalloc.get_traced_memory()[1] < 10 * len(data) + 2**20
    tracemalloc.stop()
