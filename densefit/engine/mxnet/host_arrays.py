"""numpy arrays and NDArrays on one memory, without a copy."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any

import numpy as np

from densefit.backend import mx

# Types that DLPack carries in MXNet 1.9.1.
_SHARED = {"int32", "int64", "bool", "uint8", "uint32", "uint64", "float16", "float32", "float64"}


def as_ndarray(array: np.ndarray) -> Any:
    """A contiguous numpy array as an NDArray on the CPU, on the same memory where it can be.

    The array lives as long as the NDArray, and cannot be written to any more.
    """
    if array.dtype.name in _SHARED and array.ndim and array.size:
        return mx.nd.from_numpy(array, zero_copy=True)
    return mx.nd.array(array, dtype=array.dtype)


def as_ndarrays(arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """`as_ndarray` of each array."""
    return {name: as_ndarray(array) for name, array in arrays.items()}


def host_view(array: Any) -> np.ndarray:
    """A CPU NDArray's memory as a numpy array, without a copy; waits until it is written.

    It is valid as long as `array` is, and must not be written to.
    """
    array.wait_to_read()
    pointer = ctypes.c_void_p()
    mx.base.check_call(mx.base._LIB.MXNDArrayGetData(array.handle, ctypes.byref(pointer)))
    dtype = np.dtype(array.dtype)
    memory = (ctypes.c_char * (array.size * dtype.itemsize)).from_address(pointer.value or 0)
    view = np.frombuffer(memory, dtype).reshape(array.shape)
    view.setflags(write=False)
    return view
