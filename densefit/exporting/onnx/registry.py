"""Operators of MXNet by name, each with the function that converts it to ONNX."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from densefit.exporting.onnx.layer import Layer
from densefit.exporting.onnx.tensor import Tensor

Converter: TypeAlias = Callable[[Layer], Tensor | Sequence[Tensor]]

#: Operator of MXNet -> its converter; filled by the modules of `densefit.exporting.onnx.operators`.
CONVERTERS: dict[str, Converter] = {}


def converts(*operators: str) -> Callable[[Converter], Converter]:
    """Register a function as the converter of operators.

    Args:
        operators: names as in the JSON of a Symbol.
    """

    def register(function: Converter) -> Converter:
        for operator in operators:
            CONVERTERS[operator] = function
        return function

    return register
