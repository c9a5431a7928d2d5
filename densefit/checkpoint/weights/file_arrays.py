"""Arrays of a file of weights, checked before a network gets them."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from densefit.checkpoint.weights.files.weight_file import WeightFile
from densefit.checkpoint.weights.loaded_weights import listed
from densefit.checkpoint.weights.matching import Match
from densefit.checkpoint.weights.parameters import ROUNDED_ZERO
from densefit.errors import BindError, CheckpointError
from densefit.model.network import Network
from densefit.model.parameters import shapes


def in_shape(
    network: Network,
    arrays: Mapping[str, np.ndarray],
    trunk: list[str],
    file: WeightFile,
    match: Match,
) -> tuple[dict[str, np.ndarray], dict[str, tuple[tuple[int, ...], tuple[int, ...]]]]:
    """Reshape arrays that differ by axes of size 1; heads of other shapes are left out.

    Raises:
        BindError: parameters of the backbone have other shapes.
    """
    sizes, of_backbone = shapes(network), set(trunk)
    shaped: dict[str, np.ndarray] = {}
    reshaped, wrong = {}, []
    for name, array in arrays.items():
        size = sizes.get(name, array.shape)
        if array.shape == size:
            shaped[name] = array
        elif [n for n in array.shape if n != 1] == [n for n in size if n != 1]:
            shaped[name] = array.reshape(size)
            reshaped[name] = (array.shape, size)
        elif name in of_backbone:
            wrong.append(f"{match.names[name]} {array.shape}, not {size}")
    if wrong:
        raise BindError(
            f"The weights do not fit the backbone {network.backbone.name!r}: other shapes",
            received=listed(wrong),
            where=f"{file.path}, with names of {match.layout}",
            fix="are they of another architecture or width (model.settings)?",
        )
    return shaped, reshaped


def check_numbers(
    arrays: Mapping[str, np.ndarray], file: WeightFile, variances: Collection[str] = ()
) -> None:
    """Raise CheckpointError if an array is not of finite real numbers, or a variance negative."""
    for name, array in arrays.items():
        if array.dtype.kind != "f" or not np.isfinite(array).all():
            raise CheckpointError(
                f"The weights of {name!r} are not finite real numbers",
                received=str(array.dtype),
                where=file.path,
            )
        if name in variances and (array < ROUNDED_ZERO).any():
            raise CheckpointError(
                f"The moving variance {name!r} of the file is negative",
                expected="0 or more",
                received=f"{array.min():g}",
                where=file.path,
            )
