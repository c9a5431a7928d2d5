"""Types and shapes of a graph's inputs that its operators can compute with.

MXNet infers every type from the data's, and refuses int labels for a SoftmaxOutput, bytes as images
and labels of (N, 1). Inputs are cast or reshaped where that loses nothing, which is logged once.
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
        name: of the argument.
        shape: bound, for a full batch.
        dtype: bound.
        squeezed: trailing axes of length 1 that the iterator's arrays have and the graph's do
            not.
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
        data: name -> DataDesc of those inputs that are data.
        labels: name -> DataDesc of the others.
        where: named in errors.

    Raises:
        BindError: no types fit.
    """
    given = {**data, **labels}
    squeezed = _squeezed(symbol, given, labels)
    shapes = {
        name: tuple(desc.shape[: len(desc.shape) - squeezed.get(name, 0)])
        for name, desc in given.items()
    }
    types = _types(symbol, data, labels, where)
    return {name: Input(name, shapes[name], types[name], squeezed.get(name, 0)) for name in shapes}


def tell_changes(inputs: Mapping[str, Input], descs: Mapping[str, Any], where: str) -> None:
    """Log each input that is cast or reshaped."""
    for name, own in inputs.items():
        desc = descs[name]
        if np.dtype(desc.dtype) != np.dtype(own.dtype):
            _log.info(
                "The input %r of the %s is cast from %s to %s, which the symbol computes with",
                name,
                where,
                np.dtype(desc.dtype).name,
                np.dtype(own.dtype).name,
            )
        if own.squeezed:
            _log.info(
                "The label %r of the %s, %s, is taken as %s, which its loss layer expects",
                name,
                where,
                tuple(desc.shape),
                own.shape,
            )
        if own.dtype == np.float64:
            _log.info(
                "The input %r of the %s is float64, and so is what is computed with it: about half "
                "as fast; float32 arrays are the usual ones",
                name,
                where,
            )


def _squeezed(symbol: Any, given: Mapping[str, Any], labels: Mapping[str, Any]) -> dict[str, int]:
    """Label -> trailing axes of length 1 to drop, where the shapes fit the graph only then."""
    shapes = {name: tuple(desc.shape) for name, desc in given.items()}
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
        found, _, _ = symbol._infer_shape_impl(False, **shapes)
    except (mx.base.MXNetError, RuntimeError):
        return False
    return found is not None


def _types(
    symbol: Any, data: Mapping[str, Any], labels: Mapping[str, Any], where: str
) -> dict[str, Any]:
    """Types of all inputs, unchanged where the graph can compute with them."""
    given = {name: np.dtype(desc.dtype) for name, desc in {**data, **labels}.items()}
    inputs, reasons = set(given), []
    for chosen in _candidates(given, labels):
        try:
            types = {name: kind.type for name, kind in chosen.items()}
            kinds, _, states = symbol._infer_type_impl(False, **types)
        except (mx.base.MXNetError, RuntimeError) as error:
            reasons.append(str(error).strip().splitlines()[-1])
            continue
        names = symbol.list_arguments()
        known = dict(zip(names, kinds or [chosen.get(n, np.float32) for n in names]))
        if all(np.dtype(t) in _TRAINED for n, t in known.items() if n not in inputs) and all(
            np.dtype(t) in _TRAINED for t in states or ()
        ):
            return {name: np.dtype(known[name]).type for name in given}
        reasons.append("its parameters would be of a type that cannot be trained on a CPU")
    raise BindError(
        "The types of the data and labels do not fit the symbol",
        received={name: t.name for name, t in given.items()},
        where=where,
        fix=reasons[0],
    )


_TRAINED = (np.dtype(np.float32), np.dtype(np.float64))


def _candidates(
    given: Mapping[str, np.dtype], labels: Mapping[str, Any]
) -> Iterator[dict[str, np.dtype]]:
    """Types to try, the data's first; MXNet infers the inputs that are left out."""
    single = np.dtype(np.float32)
    yield dict(given)
    yield {name: t for name, t in given.items() if name not in labels}
    as_numbers = {
        name: t if name in labels or t in _TRAINED else single for name, t in given.items()
    }
    yield as_numbers
    yield {name: t for name, t in as_numbers.items() if name not in labels}
    yield {name: single if name in labels else t for name, t in given.items()}
    yield dict.fromkeys(given, single)
