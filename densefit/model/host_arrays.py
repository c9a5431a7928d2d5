"""Parameters in host memory: read-only numpy arrays by name."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import numpy as np


def to_numpy(array: Any) -> np.ndarray:
    """Read an array of an engine: an NDArray, a tensor, or a numpy array, which is returned.

    Waits until it is computed.
    """
    if hasattr(array, "asnumpy"):
        array = array.asnumpy()
    elif hasattr(array, "detach"):
        array = array.detach().cpu()
        # numpy has no bfloat16
        array = (array.float() if str(array.dtype) == "torch.bfloat16" else array).numpy()
    return np.asarray(array)


def host_copies(arrays: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Copy arrays to host memory; the copies cannot be written to.

    Args:
        arrays: numpy arrays, NDArrays or tensors.
    """
    copies = {}
    for name, array in arrays.items():
        copies[name] = np.array(np.atleast_1d(to_numpy(array)), order="C")
        copies[name].setflags(write=False)
    return copies


def deprecated_ndarrays(
    network: Any, kind: str, new: str, old: str | None = None
) -> dict[str, Any]:
    """Return NDArrays for a deprecated attribute of a Network, and warn.

    Args:
        network: network whose parameters are read.
        kind: "arg_params" or "aux_params".
        new: attribute that has them as numpy arrays.
        old: how the caller reads them, if not by an attribute called `kind`; "": no warning.
    """
    if old != "":
        warnings.warn(
            f"Network.{old or kind}: Network.{new} has numpy arrays, and "
            f"densefit.interop.{kind}(network) NDArrays",
            DeprecationWarning,
            stacklevel=3,
        )
    arrays: dict[str, Any] = getattr(import_module("densefit.interop"), kind)(network)
    return arrays
