"""A network's parameters as NDArrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from densefit.backend import mx
from densefit.model.network import Network


def arg_params(network: Network) -> dict[str, Any]:
    """Copy a network's trained parameters: name -> NDArray on the CPU.

    MXNet's `aux_params`, BatchNorm's moving statistics, are `aux_params(network)`.
    """
    return ndarray_copies(network.parameters)


def aux_params(network: Network) -> dict[str, Any]:
    """Copy a network's moving statistics: name -> NDArray on the CPU."""
    return ndarray_copies(network.statistics)


def ndarray_copies(arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Copy numpy arrays as NDArrays of the same dtypes."""
    return {name: mx.nd.array(array, dtype=array.dtype) for name, array in arrays.items()}
