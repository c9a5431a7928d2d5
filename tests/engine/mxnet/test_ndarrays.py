import gc

import numpy as np
import pytest

from densefit.backend import mx
from densefit.data.csr_array import CSRArray
from densefit.engine.mxnet.ndarrays import to_ndarray, to_ndarrays, to_numpy


@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "int32", "int64", "float16", "float32", "float64"]
)
@pytest.mark.parametrize("shape", [(3,), (2, 5, 7), (2, 90, 500)])
def test_the_numbers_are_the_same_in_both(dtype, shape):
    array = np.random.default_rng(0).uniform(-100, 100, shape).astype(dtype)
    found, expected = to_ndarray(array), mx.nd.array(array, dtype=dtype)
    assert (found.dtype, found.shape, found.context) == (expected.dtype, expected.shape, mx.cpu())
    np.testing.assert_array_equal(found.asnumpy(), array)
    np.testing.assert_array_equal((found + 1).asnumpy(), (expected + 1).asnumpy())
    back = to_numpy(found)
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize("size", [4, 300])
def test_arrays_that_lie_otherwise_in_memory(size):
    whole = np.arange(3 * size * size, dtype=np.float32).reshape(size, size, 3)
    for array in (whole.transpose(2, 0, 1), whole[::-1, ::-1], whole[:, ::2]):
        np.testing.assert_array_equal(to_ndarray(array).asnumpy(), array)


@pytest.mark.parametrize("size", [4, 300])
def test_the_owner_of_an_array_may_write_to_it_afterwards(size):
    array = np.zeros((size, size), np.float32)
    to_ndarray(array).wait_to_read()
    array[:] = 1
    assert array.flags.writeable


def test_shared_memory_lives_as_long_as_the_ndarray():
    made = to_ndarrays({str(n): np.full((300, 300), n, np.float32) for n in range(5)})
    gc.collect()
    assert [float(array.max().asscalar()) for array in made.values()] == [0, 1, 2, 3, 4]


def test_a_copy_stays_as_it_is_when_the_array_is_filled_again():
    array = mx.nd.zeros((300, 300))
    copy = to_numpy(array)
    array[:] = 1
    array.wait_to_read()
    assert copy.max() == 0


def test_a_sparse_matrix():
    dense = np.array([[0, 1, 0], [0, 0, 0], [2, 0, 3], [0, 4, 0]], np.float32)
    sparse = to_numpy(mx.nd.array(dense).tostype("csr"))
    assert isinstance(sparse, CSRArray)
    for rows in (slice(None), slice(1, 3), slice(2), slice(3, 3), slice(-1, None)):
        np.testing.assert_array_equal(np.asarray(sparse[rows]), dense[rows])
    back = to_ndarray(sparse[1:])
    assert back.stype == "csr"
    np.testing.assert_array_equal(back.asnumpy(), dense[1:])
