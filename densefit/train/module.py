"""A bound mx.mod.Module: the one place where it is made."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from densefit.backend import mx
from densefit.errors import BindError
from densefit.train.feed import Feeder

# MXNet's remarks on what densefit does on purpose (a second optimizer, say) go nowhere.
_silent = logging.getLogger("densefit.mxnet")
_silent.addHandler(logging.NullHandler())
_silent.propagate = False


def usable(devices: Sequence[Any], rows: int) -> list[Any]:
    """The first devices, as many as MXNet can split `rows` rows among.

    It gives round(rows / devices) rows to each and what is left to the last, for which nothing may
    be left: 6 rows go to 3 devices, and not to 4.
    """
    count = min(len(devices), rows)
    while count > 1 and round(rows / count) * (count - 1) >= rows:
        count -= 1
    return list(devices[:count])


def bound_module(
    symbol: Any,
    feeder: Feeder,
    label_descs: Sequence[Any],
    devices: Sequence[Any],
    gradients: str,
    fixed: Sequence[str] = (),
) -> Any:
    """A Module of `symbol` with arrays of its own for the feeder's batches, without parameters.

    Args:
        symbol: a train graph.
        feeder: of its batches.
        label_descs: of the labels that it reads.
        devices: MXNet contexts.
        gradients: "write" or "add".
        fixed: parameters that have no gradient.

    Raises:
        BindError: MXNet refuses (types do not fit, say, or there is not enough memory).
    """
    module = mx.mod.Module(
        symbol,
        data_names=[desc.name for desc in feeder.data_descs],
        label_names=[desc.name for desc in label_descs],
        context=list(devices),
        fixed_param_names=list(fixed),
        logger=_silent,
    )
    try:
        module.bind(
            feeder.data_descs,
            list(label_descs) or None,
            for_training=True,
            grad_req=gradients,
        )
    except (mx.base.MXNetError, RuntimeError) as error:
        raise BindError(
            "MXNet cannot bind the train graph",
            received=[f"{d.name}: {d.shape} {np.dtype(d.dtype).name}" for d in feeder.descs],
            where=f"heads {', '.join(wire.name for wire in feeder.wires)}",
            fix=str(error).strip().splitlines()[-1],
        ) from error
    return module
