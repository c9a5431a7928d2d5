import gc

import numpy as np
import pytest

from densefit.backend import mx
from densefit.data.loader.stacked import stacked


@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "int32", "int64", "float16", "float32", "float64"]
)
@pytest.mark.parametrize("shape", [(), (3,), (2, 5, 7)])
def test_it_is_what_mxnet_makes_of_a_stack(dtype, shape):
    rng = np.random.default_rng(0)
    arrays = [rng.uniform(-100, 100, shape).astype(dtype) for _ in range(4)]
    found, expected = stacked(arrays), mx.nd.array(np.stack(arrays), dtype=dtype)
    assert (found.dtype, found.shape, found.context) == (expected.dtype, expected.shape, mx.cpu())
    np.testing.assert_array_equal(found.asnumpy(), expected.asnumpy())
    np.testing.assert_array_equal((found + 1).asnumpy(), (expected + 1).asnumpy())


def test_arrays_that_lie_otherwise_in_memory():
    whole = np.arange(48, dtype=np.float32).reshape(4, 4, 3)
    arrays = [whole.transpose(2, 0, 1), whole[::-1, ::-1].transpose(2, 0, 1)]
    np.testing.assert_array_equal(stacked(arrays).asnumpy(), np.stack(arrays))


def test_it_has_memory_of_its_own():
    arrays = [np.full((64, 64), number, np.uint8) for number in range(3)]
    made = [stacked(arrays) for _ in range(5)]
    arrays[0][:] = 9
    del arrays
    gc.collect()
    for one in made:
        assert [int(row.asnumpy().max()) for row in one] == [0, 1, 2]


def test_rows_of_other_shapes_or_types_are_refused():
    with pytest.raises(ValueError, match="same shape"):
        stacked([np.zeros(3), np.zeros(4)])
    with pytest.raises(TypeError):
        stacked([np.zeros(3, np.int32), np.zeros(3)])
