"""Types and shapes of a graph's inputs that its operators can compute with.

Labels of (N, 1), uint8 images or int labels may not fit the operators. Inputs are cast or reshaped
without loss, which is logged once.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from densefit.data.batch import Batch
from densefit.engine.graph.inference import Inference
from densefit.model.network import Network

_log = logging.getLogger("densefit")


@dataclass(frozen=True)
class Input:
    """An input of a graph.

    Attributes:
        name: name of the argument.
        shape: bound shape, for a full batch.
        dtype: bound dtype.
        squeezed: number of trailing axes of length 1 that only the iterator's arrays have.
    """

    name: str
    shape: tuple[int, ...]
    dtype: Any
    squeezed: int = 0

    def fit(self, array: Any) -> Any:
        """Reshape an array to the bound shape; its type changes when it is copied in."""
        return array.reshape(array.shape[: array.ndim - self.squeezed]) if self.squeezed else array


def bound_inputs(
    inference: Inference,
    symbol: Any,
    data: Mapping[str, Any],
    labels: Mapping[str, Any],
    where: str,
) -> dict[str, Input]:
    """Choose the bound types and shapes of a graph's inputs, by name.

    Args:
        inference: infers shapes and types.
        symbol: the graph.
        data: name -> spec of the data inputs.
        labels: name -> spec of the label inputs.
        where: description of the data, for error messages.

    Raises:
        BindError: no types fit.
    """
    descs = {**data, **labels}
    squeezed = _squeezed(inference, symbol, descs, labels)
    shapes = {
        name: tuple(desc.shape[: len(desc.shape) - squeezed.get(name, 0)])
        for name, desc in descs.items()
    }
    types = inference.types(symbol, data, labels, where)
    return {name: Input(name, shapes[name], types[name], squeezed.get(name, 0)) for name in shapes}


def log_changes(inputs: Mapping[str, Input], descs: Mapping[str, Any], where: str) -> None:
    """Log each input that is cast or reshaped."""
    for name, bound in inputs.items():
        desc = descs[name]
        if np.dtype(desc.dtype) != np.dtype(bound.dtype):
            _log.info(
                "The input %r of the %s is cast from %s to %s, which the symbol computes with",
                name,
                where,
                np.dtype(desc.dtype).name,
                np.dtype(bound.dtype).name,
            )
        if bound.squeezed:
            _log.info(
                "The label %r of the %s, %s, is reshaped to %s, which its loss layer expects",
                name,
                where,
                tuple(desc.shape),
                bound.shape,
            )
        if bound.dtype == np.float64:
            _log.info(
                "The input %r of the %s is float64, so the network computes in float64, about half "
                "as fast; pass float32 arrays",
                name,
                where,
            )


def _squeezed(
    inference: Inference, symbol: Any, descs: Mapping[str, Any], labels: Mapping[str, Any]
) -> dict[str, int]:
    """Label -> number of trailing axes of length 1 to drop to fit the graph."""
    shapes = {name: tuple(desc.shape) for name, desc in descs.items()}
    if inference.outputs(symbol, shapes) is not None:
        return {}
    columns = [name for name in labels if len(shapes[name]) > 1 and shapes[name][-1] == 1]
    for chosen in [*([name] for name in columns), columns]:
        squeezed = {**shapes, **{n: shapes[n][:-1] for n in chosen}}
        if chosen and inference.outputs(symbol, squeezed) is not None:
            return dict.fromkeys(chosen, 1)
    return {}


def train_inputs(
    inputs: Mapping[str, Input], network: Network, batch: Batch, shares: Mapping[str, float] | None
) -> dict[str, Any]:
    """Convert the arrays of a batch's real rows that a train graph reads, by name.

    Padding is not trained, and must not enter BatchNorm's statistics either.

    Args:
        inputs: inputs of the graph.
        network: network whose heads' losses are weighed.
        batch: batch that is trained.
        shares: see `Engine.compute`.
    """
    arrays = {**batch.data, **batch.labels}
    rows, real = next(iter(arrays.values())).shape[0], batch.real
    if real < rows:
        arrays = {name: a[: a.shape[0] // rows * real] for name, a in arrays.items()}
    for adapter in network.adapters.values():
        for name, key in adapter.weights.items():
            share = 1.0 if shares is None else shares[key]
            arrays[name] = (batch.labelled[key] * share).astype(np.float32)
    return {
        name: bound.fit(arrays[name]) if bound.squeezed else arrays[name]
        for name, bound in inputs.items()
    }
