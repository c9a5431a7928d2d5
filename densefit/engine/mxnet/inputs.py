"""Types and shapes of a graph's inputs that its operators can compute with.

MXNet infers every type from the data's, and refuses int labels for a SoftmaxOutput, uint8 images
and labels of (N, 1). Inputs are cast or reshaped without loss, which is logged once.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from densefit.backend import mx
from densefit.errors import BindError

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
    symbol: Any, data: Mapping[str, Any], labels: Mapping[str, Any], where: str
) -> dict[str, Input]:
    """Choose the bound types and shapes of a graph's inputs, by name.

    Args:
        symbol: the graph.
        data: name -> DataDesc of the data inputs.
        labels: name -> DataDesc of the label inputs.
        where: description of the data, for error messages.

    Raises:
        BindError: no types fit.
    """
    descs = {**data, **labels}
    squeezed = _squeezed(symbol, descs, labels)
    shapes = {
        name: tuple(desc.shape[: len(desc.shape) - squeezed.get(name, 0)])
        for name, desc in descs.items()
    }
    types = _types(symbol, data, labels, where)
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


def _squeezed(symbol: Any, descs: Mapping[str, Any], labels: Mapping[str, Any]) -> dict[str, int]:
    """Label -> number of trailing axes of length 1 to drop to fit the graph."""
    shapes = {name: tuple(desc.shape) for name, desc in descs.items()}
    if _shapes_fit(symbol, shapes):
        return {}
    columns = [name for name in labels if len(shapes[name]) > 1 and shapes[name][-1] == 1]
    for chosen in [*([name] for name in columns), columns]:
        if chosen and _shapes_fit(symbol, {**shapes, **{n: shapes[n][:-1] for n in chosen}}):
            return dict.fromkeys(chosen, 1)
    return {}


def _shapes_fit(symbol: Any, shapes: Mapping[str, tuple[int, ...]]) -> bool:
    try:
        # What `infer_shape` calls; that one prints the arguments before it raises.
        inferred, _, _ = symbol._infer_shape_impl(False, **shapes)
    except (mx.base.MXNetError, RuntimeError):
        return False
    return inferred is not None


def _types(
    symbol: Any, data: Mapping[str, Any], labels: Mapping[str, Any], where: str
) -> dict[str, Any]:
    """Choose the types of all inputs, unchanged if the graph can compute with them."""
    dtypes = {name: np.dtype(desc.dtype) for name, desc in {**data, **labels}.items()}
    inputs, reasons = set(dtypes), []
    for chosen in _candidates(dtypes, labels):
        try:
            types = {name: kind.type for name, kind in chosen.items()}
            kinds, _, states = symbol._infer_type_impl(False, **types)
        except (mx.base.MXNetError, RuntimeError) as error:
            reasons.append(str(error).strip().splitlines()[-1])
            continue
        names = symbol.list_arguments()
        argument_types = dict(zip(names, kinds or [chosen.get(n, np.float32) for n in names]))
        if all(
            np.dtype(t) in _TRAINED for n, t in argument_types.items() if n not in inputs
        ) and all(np.dtype(t) in _TRAINED for t in states or ()):
            return {name: np.dtype(argument_types[name]).type for name in dtypes}
        reasons.append("its parameters would have a type that cannot be trained on a CPU")
    raise BindError(
        "The types of the data and labels do not fit the symbol",
        received={name: t.name for name, t in dtypes.items()},
        where=where,
        fix=reasons[0],
    )


_TRAINED = (np.dtype(np.float32), np.dtype(np.float64))


def _candidates(
    dtypes: Mapping[str, np.dtype], labels: Mapping[str, Any]
) -> Iterator[dict[str, np.dtype]]:
    """Yield types to try, the data's first; MXNet infers the types of missing inputs."""
    single = np.dtype(np.float32)
    yield dict(dtypes)
    yield {name: t for name, t in dtypes.items() if name not in labels}
    as_numbers = {
        name: t if name in labels or t in _TRAINED else single for name, t in dtypes.items()
    }
    yield as_numbers
    yield {name: t for name, t in as_numbers.items() if name not in labels}
    yield {name: single if name in labels else t for name, t in dtypes.items()}
    yield dict.fromkeys(dtypes, single)
