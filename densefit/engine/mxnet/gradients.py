"""What a backward pass leaves in a bound Module: gradients, and BatchNorm's statistics."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from densefit.backend import mx


def gradients(module: Any) -> dict[str, list[Any]]:
    """Name of each trained parameter -> its gradient on each device."""
    group = module._exec_group
    return {
        name: replicas
        for name, replicas in zip(group.param_names, group.grad_arrays)
        if replicas and replicas[0] is not None
    }


def zero(arrays: Iterable[Sequence[Any]]) -> None:
    """Set gradients that are added up to 0."""
    for replicas in arrays:
        for one in replicas:
            one[:] = 0


def copy_statistics(module: Any) -> list[list[Any]]:
    """Copies of the auxiliary states (BatchNorm's moving statistics), on each device."""
    mx.nd.waitall()  # BatchNorm's backward writes them without MXNet's engine knowing
    return [[one.copy() for one in replicas] for replicas in module._exec_group.aux_arrays]


def put_statistics(module: Any, kept: Sequence[Sequence[Any]]) -> None:
    """Write back what `copy_statistics` gave."""
    mx.nd.waitall()
    for replicas, copies in zip(module._exec_group.aux_arrays, kept):
        for one, copy in zip(replicas, copies):
            copy.copyto(one)


def host_view(array: Any) -> np.ndarray:
    """A CPU NDArray's own memory as a numpy array, without a copy; waits until it is written.

    It is valid for as long as `array` is, and must not be written to.
    """
    array.wait_to_read()
    pointer = ctypes.c_void_p()
    mx.base.check_call(mx.base._LIB.MXNDArrayGetData(array.handle, ctypes.byref(pointer)))
    dtype = np.dtype(array.dtype)
    memory = (ctypes.c_char * (array.size * dtype.itemsize)).from_address(pointer.value or 0)
    view = np.frombuffer(memory, dtype).reshape(array.shape)
    view.setflags(write=False)
    return view


def squared_norm(gradients: Iterable[Sequence[Any]]) -> float:
    """The sum of the squares of all gradients; nan or infinite if one of them is.

    On a CPU numpy reads MXNet's memory: 1.3 ms for 11 million numbers, where `multi_sum_sq` takes
    6 ms, and errs in the third digit.

    Args:
        gradients: for each parameter an NDArray for each device; those of a parameter add up.
    """
    total = 0.0
    waiting = []
    # The first layers' first: theirs are computed last, and nothing competes with the backward
    # pass for the cores while it is waited for.
    for replicas in gradients:
        whole = replicas[0]
        if len(replicas) > 1:
            whole = mx.nd.add_n(*(one.as_in_context(whole.context) for one in replicas))
        if whole.stype != "default":  # only some rows are there; the others are 0
            whole = whole.data
        if whole.size == 0:
            continue
        if whole.context.device_type == "cpu" and whole.dtype == np.float32:
            flat = host_view(whole).ravel()
            total += float(np.dot(flat, flat))
        else:
            flat = whole.reshape(-1).astype(np.float32)
            waiting.append(mx.nd.dot(flat, flat))
    return total + math.fsum(float(one.asscalar()) for one in waiting)
