"""Convert arrays of batches and parameters between numpy and PyTorch."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from densefit.data.csr_array import CSRArray
from densefit.engine.graph.inputs import Input
from densefit.once import warn_once

_log = logging.getLogger("densefit")


def batch_tensors(
    arrays: Mapping[str, Any], inputs: Mapping[str, Input], device: torch.device
) -> dict[str, torch.Tensor]:
    """Copy the arrays of a batch to a device, in the types of the graph's inputs.

    Args:
        arrays: inputs of a graph by name, numpy or `CSRArray`.
        inputs: the graph's inputs.
        device: device of the tensors.
    """
    for name, array in arrays.items():
        if isinstance(array, CSRArray):
            warn_once(
                _log,
                "The input %r is csr: PyTorch computes with dense arrays, and an update moves "
                "all rows of a parameter by momentum and decay (MXNet, by lazy_update=True, "
                "those with a gradient)",
                name,
            )
    return {name: to_tensor(array, inputs[name].dtype, device) for name, array in arrays.items()}


def to_tensor(array: Any, dtype: Any, device: torch.device) -> torch.Tensor:
    """Copy an array of a batch to a device; a copy to a GPU does not wait.

    On the CPU an array of the right type is not copied: its memory must not be overwritten while
    the tensor is in use.

    Args:
        array: numpy, or a `CSRArray`, which becomes dense.
        dtype: numpy's type of the tensor.
        device: device of the tensor.
    """
    if isinstance(array, CSRArray):
        array = np.asarray(array)
    if not (array.flags.c_contiguous and array.flags.writeable):
        array = np.array(array, dtype)  # PyTorch warns of arrays that cannot be written to
    tensor = torch.from_numpy(np.asarray(array, dtype))
    if device.type == "cpu":
        return in_fast_layout(tensor)
    return in_fast_layout(tensor.pin_memory().to(device, non_blocking=True))


def parameter_tensor(array: Any, device: torch.device) -> torch.Tensor:
    """Copy a parameter to a device, as float32, in the memory layout that it computes in."""
    tensor = torch.tensor(np.asarray(array, np.float32), device=device)
    return in_fast_layout(tensor)


def in_fast_layout(tensor: torch.Tensor) -> torch.Tensor:
    """Order the numbers of maps and kernels with the channels last, which is faster."""
    if tensor.dim() != 4 or not tensor.is_floating_point():
        return tensor
    return tensor.contiguous(memory_format=torch.channels_last)


def to_arrays(tensors: Mapping[str, torch.Tensor]) -> dict[str, np.ndarray]:
    """Copy tensors to host memory."""
    return {name: to_array(tensor) for name, tensor in tensors.items()}


def to_array(tensor: torch.Tensor) -> np.ndarray:
    """Copy a tensor to host memory, in the order of its axes."""
    return np.array(tensor.detach().cpu().numpy(), order="C")
