"""Parameters in a checkpoint, checked before a network computes with them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from densefit.checkpoint.storage.content import SUFFIX
from densefit.errors import CheckpointError
from densefit.model.moving_variances import moving_variances
from densefit.model.network import Network

#: Least moving variance, but for rounding.
# MXNet computes a batch's variance as 1 / (1 / sqrt(variance + eps))^2 - eps. Of a channel that is
# constant, as some of ImageNet's MobileNetV2 are, that is -8e-13 at eps 1e-5 (seen, MXNet 1.9.1).
# Nothing is clipped: the scores of a checkpoint must be those of the training.
ROUNDED_ZERO = -1e-9

_FIX = "use another checkpoint beside it"


def parameters_of(
    parts: Mapping[str, Mapping[str, np.ndarray]], part: str, path: Path, network: Network
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the checked (arg, aux) parameters in a part of a checkpoint.

    A training writes finite real numbers, and variances of 0 or more, but for rounding. MXNet
    would also accept other values and compute with them.

    Args:
        parts: arrays of the checkpoint by part.
        part: "model", or "training" for the weights in training if "model" holds averages.
        path: path of the checkpoint, named in errors.
        network: network that the parameters are for.

    Raises:
        CheckpointError: `network` cannot compute with a parameter; names the file.
    """
    where = path / f"{part}{SUFFIX}"
    arguments, auxiliary = split_model(parts[part], where)
    before = {**network.parameters, **network.statistics}
    symbol = network.symbol
    expected = {*symbol.list_arguments(), *symbol.list_auxiliary_states()}
    variances = moving_variances(symbol)
    for name, array in {**arguments, **auxiliary}.items():
        if name not in expected:
            continue
        # A user's Symbol may have integer parameters.
        present = before.get(name)
        is_real = bool(network.heads) or (
            present is not None and np.dtype(present.dtype).kind == "f"
        )
        if is_real and array.dtype.kind in "biu":
            raise CheckpointError(
                f"The parameter {name!r} of the checkpoint is not of real numbers",
                expected="float32 (or float64, float16, bfloat16)",
                received=str(array.dtype),
                where=where,
                fix=_FIX,
            )
        if array.dtype.kind != "f":
            continue
        is_bad = np.isnan(array) if not network.heads else ~np.isfinite(array)
        if is_bad.any():
            raise CheckpointError(
                f"The parameter {name!r} of the checkpoint is not finite",
                received=f"{int(is_bad.sum())} of {array.size} numbers are nan or infinite",
                where=where,
                fix=_FIX,
            )
        if name in variances and (array < ROUNDED_ZERO).any():
            raise CheckpointError(
                f"The moving variance {name!r} of the checkpoint is negative",
                expected="0 or more",
                received=f"{array.min():g}",
                where=where,
                fix=_FIX,
            )
    return arguments, auxiliary


def split_model(
    arrays: Mapping[str, np.ndarray], where: object = None
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split a checkpoint's "model" part into (arg, aux) parameters.

    Raises:
        CheckpointError: a name begins with neither `arg:` nor `aux:`.
    """
    by_kind: dict[str, dict[str, Any]] = {"arg": {}, "aux": {}}
    for key, value in arrays.items():
        kind, _, name = key.partition(":")
        if kind not in by_kind:
            raise CheckpointError("A parameter is neither arg: nor aux:", received=key, where=where)
        by_kind[kind][name] = value
    return by_kind["arg"], by_kind["aux"]
