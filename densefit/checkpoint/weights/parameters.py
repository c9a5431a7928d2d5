"""The parameters in a checkpoint: of a kind that a network can compute with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from densefit.checkpoint.storage.content import SUFFIX
from densefit.errors import CheckpointError
from densefit.model.moving_variances import moving_variances
from densefit.model.network import Network

_FIX = "use another checkpoint beside it"


def parameters_of(
    parts: Mapping[str, Mapping[str, np.ndarray]], part: str, place: Path, network: Network
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The (arg, aux) parameters in a part of a checkpoint, checked.

    A training writes real numbers that are finite, and variances of 0 or more. MXNet takes
    anything else, too, and computes with it.

    Args:
        parts: of the checkpoint.
        part: "model", or "training" for weights of which "model" is the average.
        place: of the checkpoint, to be named.
        network: that they are for.

    Raises:
        CheckpointError: they are nothing that `network` can compute with; names the file.
    """
    where = place / f"{part}{SUFFIX}"
    arguments, auxiliary = split_model(parts[part], where)
    before = {**network.parameters, **network.statistics}
    symbol = network.symbol
    own = {*symbol.list_arguments(), *symbol.list_auxiliary_states()}
    variances = moving_variances(symbol)
    for name, array in {**arguments, **auxiliary}.items():
        if name not in own:
            continue
        # A user's Symbol may have parameters that are whole numbers.
        known = before.get(name)
        is_real = bool(network.heads) or (known is not None and np.dtype(known.dtype).kind == "f")
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
        if name in variances and (array < 0).any():
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
    """The (arg, aux) parameters of a checkpoint's "model" part.

    Raises:
        CheckpointError: a name is neither.
    """
    found: dict[str, dict[str, Any]] = {"arg": {}, "aux": {}}
    for key, value in arrays.items():
        kind, _, name = key.partition(":")
        if kind not in found:
            raise CheckpointError("A parameter is neither arg: nor aux:", received=key, where=where)
        found[kind][name] = value
    return found["arg"], found["aux"]
