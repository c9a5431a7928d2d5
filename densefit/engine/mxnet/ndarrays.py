"""Convert arrays of batches between numpy and MXNet."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.backend import mx
from densefit.data.csr_array import CSRArray

#: Bytes from which sharing memory is faster than a copy.
_SHARED_FROM = 1 << 16
_SHARED = {"uint8", "int32", "int64", "float32", "float64"}  # types that MXNet can share


def to_ndarray(array: Any) -> Any:
    """Convert an array of a batch to an NDArray on the CPU.

    A large array is not copied: the NDArray shares its memory, which must not be overwritten until
    MXNet has read it. Keep a reference until then: if the last one were MXNet's, its threads would
    wait for Python's lock to drop it.

    Args:
        array: numpy, of a type that MXNet has, or a `CSRArray`.
    """
    if isinstance(array, CSRArray):
        parts = (array.values, array.columns, array.starts)
        return mx.nd.sparse.csr_matrix(parts, shape=array.shape, dtype=array.dtype)
    if array.nbytes >= _SHARED_FROM and array.dtype.name in _SHARED:
        # Of a view: MXNet makes the array that it is given read-only.
        return mx.nd.from_numpy(np.ascontiguousarray(array).view())
    copied = mx.nd.empty(array.shape, mx.cpu(), array.dtype)
    flat = np.ascontiguousarray(array)
    mx.base.check_call(
        mx.base._LIB.MXNDArraySyncCopyFromCPU(
            copied.handle, ctypes.c_void_p(flat.ctypes.data), ctypes.c_size_t(flat.size)
        )
    )
    return copied


def to_ndarrays(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """`to_ndarray` of each array."""
    return {name: to_ndarray(array) for name, array in arrays.items()}


def to_numpy(array: Any) -> Any:
    """Copy an NDArray to numpy, a CSRNDArray to a `CSRArray`; waits for its values.

    On the CPU numpy copies: `asnumpy` takes seven times as long for bytes.
    """
    if array.stype == "csr":
        values, columns, starts = array.data, array.indices, array.indptr
        width = int(array.shape[1])
        return CSRArray(values.asnumpy(), columns.asnumpy(), starts.asnumpy(), width)
    if array.stype != "default" or array.context.device_type != "cpu" or not array.size:
        return array.asnumpy()
    return host_view(array).copy()


def host_view(array: Any) -> np.ndarray:
    """View a CPU NDArray's memory as a read-only numpy array; waits until it is written.

    The view is valid as long as `array` exists.
    """
    array.wait_to_read()
    pointer = ctypes.c_void_p()
    mx.base.check_call(mx.base._LIB.MXNDArrayGetData(array.handle, ctypes.byref(pointer)))
    dtype = np.dtype(array.dtype)
    memory = (ctypes.c_char * (array.size * dtype.itemsize)).from_address(pointer.value or 0)
    view = np.frombuffer(memory, dtype).reshape(array.shape)
    view.setflags(write=False)
    return view


class HostViews:
    """Cached flat views of CPU NDArrays that are read repeatedly.

    Args:
        arrays: dense arrays that are not empty.
    """

    def __init__(self, arrays: Sequence[Any]) -> None:
        self._arrays = list(arrays)  # their memory lives as long as they do
        self._addresses = [0] * len(self._arrays)
        self._views = [np.empty(0)] * len(self._arrays)

    def read(self) -> list[np.ndarray]:
        """The views, once all arrays are written; see `host_view`."""
        check, library, pointer = mx.base.check_call, mx.base._LIB, ctypes.c_void_p()
        address = ctypes.byref(pointer)
        for number, array in enumerate(self._arrays):
            check(library.MXNDArrayWaitToRead(array.handle))
            # Needed each time: it also converts oneDNN's layout to a plain one.
            check(library.MXNDArrayGetData(array.handle, address))
            if pointer.value != self._addresses[number]:
                self._views[number] = host_view(array).ravel()
                self._addresses[number] = pointer.value or 0
        return self._views
