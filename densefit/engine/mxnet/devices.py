"""Devices of MXNet: their memory, and how batches are split among them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from densefit.backend import mx
from densefit.errors import DataError


def device_memory() -> dict[int, tuple[int, int]]:
    """(free, total) bytes of each GPU by its number."""
    return {number: mx.context.gpu_memory_info(number) for number in range(mx.context.num_gpus())}


def zeros(shape: Sequence[int], like: Any) -> Any:
    """Make a float32 NDArray of zeros on the device of another one."""
    return mx.nd.zeros(tuple(shape), ctx=like.context)


def to_device(array: np.ndarray, like: Any) -> Any:
    """Copy a numpy array to the device of an NDArray, as float32."""
    return mx.nd.array(array, ctx=like.context)


def usable(devices: Sequence[Any], rows: int) -> list[Any]:
    """Select the first devices, as many as MXNet can split `rows` rows among.

    Each device gets round(rows / devices) rows and the last one the remaining rows, of which there
    must be some: 6 rows can be split among 3 devices, but not among 4.
    """
    count = min(len(devices), rows)
    while count > 1 and round(rows / count) * (count - 1) >= rows:
        count -= 1
    return list(devices[:count])


def check_split(devices: Sequence[Any], rows: int, where: str) -> None:
    """Raise DataError unless a batch of `rows` can be split among all devices."""
    if len(usable(devices, rows)) < len(devices):
        raise DataError(
            "A batch cannot be split among the devices",
            expected="a sample for each, of parts of round(samples / devices)",
            received=f"{rows} samples for {len(devices)} devices",
            where=where,
            fix="drop a smaller last batch (last='drop'), choose another batch size, or use "
            "fewer devices",
        )
