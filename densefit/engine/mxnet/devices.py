"""Devices of MXNet: their memory, and how batches are split among them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from densefit.backend import mx
from densefit.errors import ConfigError, DataError


def device_memory() -> dict[int, tuple[int, int]]:
    """(free, total) bytes of each GPU by its number."""
    return {number: mx.context.gpu_memory_info(number) for number in range(mx.context.num_gpus())}


def as_devices(devices: Sequence[Any] | None) -> list[Any] | None:
    """Make MXNet contexts of names ("cpu", "cuda:0" or "gpu:0"); None stays None.

    Raises:
        ConfigError: one is no context.
    """
    contexts = None if devices is None else [_context(device) for device in devices]
    if contexts is None or all(hasattr(device, "device_type") for device in contexts):
        return contexts
    raise ConfigError(
        "These are no devices of the engine 'mxnet'",
        expected="MXNet contexts",
        received=f"devices={list(devices or ())!r}"[:200],
        fix="devices=[mx.cpu()], or [mx.gpu(0)]; or engine='torch'",
    )


def _context(device: Any) -> Any:
    """The context that a name states; anything else is returned."""
    kind, _, number = device.partition(":") if isinstance(device, str) else ("", "", "")
    make = {"cpu": mx.cpu, "gpu": mx.gpu, "cuda": mx.gpu}.get(kind)
    return device if make is None or not (number or "0").isdigit() else make(int(number or 0))


def flip(array: Any, axis: int) -> Any:
    """Reverse an NDArray along an axis."""
    return array.flip(axis=axis)


def take(array: Any, indices: np.ndarray, axis: int) -> Any:
    """Select (n,) indices of an axis of an NDArray."""
    return array.take(to_device(indices, array), axis=axis)


def argmax(array: Any) -> np.ndarray:
    """(H, W) uint8 index of the maximum over the first axis of (C, H, W) maps."""
    indices: np.ndarray = array.argmax(axis=0).astype(np.uint8).asnumpy()
    return indices


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
