import numpy as np
import pytest

from densefit.data.workers.pickle_buffers import pack, unpack

THING = {
    "picture": np.arange(3 * 5 * 7, dtype=np.uint8).reshape(3, 5, 7),
    "boxes": np.arange(8, dtype=np.float32).reshape(2, 4),
    "none": np.zeros((0, 4), np.float32),
    "number": np.array(7, np.int64),
    "masks": np.array([{"size": [2, 2], "counts": b"x"}], object),
    "turned": np.arange(12).reshape(3, 4).T[::2],
    "text": "a",
}


def same(first, second):
    assert first.keys() == second.keys()
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name])
        if isinstance(value, np.ndarray):
            assert (value.dtype, value.shape) == (second[name].dtype, second[name].shape)


@pytest.mark.parametrize("size", [0, 100, 1000])
def test_whatever_does_not_fit_goes_with_the_text(size):
    slot = memoryview(bytearray(size))
    text, places, wanted = pack(THING, slot)
    same(THING, unpack(text, places, slot))
    ends = [at + length for at, length in zip(places[0::2], places[1::2])]
    assert all(end <= size for end in ends)
    assert bool(places) == bool(size > 0) or places == [0, 0]
    assert sum(places[1::2]) + len(text) > 105 + 32  # nothing is there for nothing
    everything = memoryview(bytearray(wanted))
    assert len(pack(THING, everything)[1]) // 2 >= 3


def test_as_many_bytes_as_are_wanted_are_enough():
    _, _, wanted = pack(THING, memoryview(bytearray(0)))
    long = {"a": np.zeros(1 << 16, np.uint8), **THING}
    text, _, _ = pack(long, memoryview(bytearray(wanted + (1 << 16))))
    assert len(text) < 2000


def test_what_comes_out_is_a_copy_that_may_be_written_to():
    slot = memoryview(bytearray(1000))
    text, places, _ = pack(THING, slot)
    found = unpack(text, places, slot)
    slot[:] = bytes(1000)
    same(THING, found)
    found["picture"][:] = 1
