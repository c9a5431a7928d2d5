"""Comparisons and logic: 0 and 1 of the type of the inputs, as MXNet has no truth values."""

from __future__ import annotations

import numpy as np

from densefit.exporting.onnx.layer import Layer
from densefit.exporting.onnx.operators.elementwise import operands
from densefit.exporting.onnx.registry import CONVERTERS, Converter, converts
from densefit.exporting.onnx.tensor import Tensor

_COMPARISONS = {
    "equal": "Equal",
    "greater": "Greater",
    "greater_equal": "GreaterOrEqual",
    "lesser": "Less",
    "lesser_equal": "LessOrEqual",
}
_LOGIC = {"logical_and": "And", "logical_or": "Or", "logical_xor": "Xor"}


def _comparison(op: str, is_negated: bool = False) -> Converter:
    def convert(layer: Layer) -> Tensor:
        left, right = operands(layer)
        result = layer.emit(op, left, right)
        return layer.cast(layer.emit("Not", result) if is_negated else result, left.dtype)

    return convert


def _logic(op: str) -> Converter:
    def convert(layer: Layer) -> Tensor:
        left, right = operands(layer)
        result = layer.emit(op, layer.cast(left, bool), layer.cast(right, bool))
        return layer.cast(result, left.dtype)

    return convert


def _names(kind: str) -> tuple[str, str, str]:
    return f"_{kind}", f"broadcast_{kind}", f"_{kind}_scalar"


for _kind, _op in _COMPARISONS.items():
    CONVERTERS.update(dict.fromkeys(_names(_kind), _comparison(_op)))
for _kind, _op in _LOGIC.items():
    CONVERTERS.update(dict.fromkeys(_names(_kind), _logic(_op)))
CONVERTERS.update(dict.fromkeys(_names("not_equal"), _comparison("Equal", is_negated=True)))


@converts("logical_not")
def logical_not(layer: Layer) -> Tensor:
    return layer.cast(layer.emit("Not", layer.cast(layer.data, bool)), layer.data.dtype)


@converts("_contrib_isnan", "_contrib_isinf", "_contrib_isfinite")
def is_finite(layer: Layer) -> Tensor:
    nan, infinite = (layer.emit(op, layer.data) for op in ("IsNaN", "IsInf"))
    kind = layer.node.op
    if kind == "_contrib_isfinite":
        return layer.cast(layer.emit("Not", layer.emit("Or", nan, infinite)), np.float32)
    return layer.cast(nan if kind == "_contrib_isnan" else infinite, np.float32)


@converts("where")
def where(layer: Layer) -> Tensor:
    condition, chosen, other = layer.inputs
    if condition.rank == 1 and chosen.rank > 1:  # picks rows
        condition = layer.unsqueeze(condition, *range(1, chosen.rank))
    return layer.emit("Where", layer.cast(condition, bool), chosen, other)
