"""Devices of PyTorch, and functions of maps that stay on them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from densefit.distributed.environment import settings_of
from densefit.errors import ConfigError


def device_memory() -> dict[int, tuple[int, int]]:
    """(free, total) bytes of each GPU by its number."""
    count = torch.cuda.device_count()
    return {number: torch.cuda.mem_get_info(number) for number in range(count)}


def as_devices(devices: Sequence[Any] | None) -> list[torch.device] | None:
    """Make the device of PyTorch that a name or an object states; None stays None.

    Raises:
        ConfigError: no device of PyTorch, several devices, or a GPU that is not there.
    """
    if devices is None:
        return None
    chosen = [_device(device, devices) for device in devices]
    if len(chosen) != 1:
        raise ConfigError(
            "The engine 'torch' computes on one device in a process",
            expected="one device",
            received=f"devices={[str(device) for device in chosen]}",
            fix=f"densefit launch --nproc {max(len(chosen), 2)} starts a process for each device, "
            "which share each batch",
        )
    return chosen


def _device(device: Any, devices: Sequence[Any]) -> torch.device:
    fix = "devices=['cpu'], which is the default"
    if torch.cuda.is_available():
        fix += f"; there are cuda:0 to cuda:{torch.cuda.device_count() - 1}"
    elif str(device).startswith("cuda"):
        fix += "; a GPU needs NVIDIA's driver and a build of PyTorch for CUDA"
    try:
        if not isinstance(device, (str, torch.device)):
            raise TypeError(f"a {type(device).__name__}")
        chosen = _of_local_rank(torch.device(device))
        torch.empty(0, device=chosen)
        if chosen.type == "meta":
            raise TypeError("a device without numbers")
    except (TypeError, RuntimeError, AssertionError) as error:
        if hasattr(device, "device_typeid"):
            fix += "; MXNet's contexts go with engine='mxnet'"
        raise ConfigError(
            "This is no device of the engine 'torch' on this machine",
            expected="'cpu', 'cuda:0' or a torch.device",
            received=f"devices={list(devices)!r}: {_first_sentence(error)}",
            fix=fix,
        ) from error
    return chosen


def _of_local_rank(device: torch.device) -> torch.device:
    """The GPU of this process's number on its machine, for a "cuda" of several ranks.

    Raises:
        ConfigError: the machine has fewer GPUs.
    """
    settings = settings_of()
    if device.type != "cuda" or device.index is not None or settings.size == 1:
        return device
    count = torch.cuda.device_count()
    if settings.local_rank >= count:
        raise ConfigError(
            "There are more ranks on this machine than GPUs",
            expected=f"at most {count} ranks",
            received=f"local rank {settings.local_rank} (from 0)",
            where="devices=['cuda']",
            fix=f"densefit launch --nproc {max(1, count)}",
        )
    return torch.device("cuda", settings.local_rank)


def _first_sentence(error: Exception) -> str:
    """Shorten PyTorch's message, which lists the backends of other builds."""
    sentence = re.split(r"\.\s|device type at start|\n", str(error))[0].strip()
    return "unknown kind of device" if sentence.startswith("Expected one of") else sentence


def flip(array: torch.Tensor, axis: int) -> torch.Tensor:
    """Reverse a tensor along an axis."""
    return array.flip(axis)


def take(array: torch.Tensor, indices: np.ndarray, axis: int) -> torch.Tensor:
    """Select (n,) indices of an axis of a tensor."""
    chosen = torch.as_tensor(np.asarray(indices, np.int64), device=array.device)
    return array.index_select(axis, chosen)


def argmax(array: torch.Tensor) -> np.ndarray:
    """(H, W) uint8 index of the maximum over the first axis of (C, H, W) maps."""
    indices: np.ndarray = array.argmax(dim=0).to(torch.uint8).cpu().numpy()
    return indices


def zeros(shape: Sequence[int], like: torch.Tensor) -> torch.Tensor:
    """Make a float32 tensor of zeros on the device of another one."""
    return torch.zeros(tuple(shape), dtype=torch.float32, device=like.device)


def to_device(array: np.ndarray, like: torch.Tensor) -> torch.Tensor:
    """Copy a numpy array to the device of a tensor, as float32."""
    return torch.as_tensor(np.asarray(array, np.float32), device=like.device)
