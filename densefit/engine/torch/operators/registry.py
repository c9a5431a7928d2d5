"""Registry of operators: MXNet's name -> what computes it with PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, TypeAlias

import torch

from densefit.engine.torch.operators.attributes import Attributes
from densefit.errors import EngineError

#: (run, *inputs) -> output, or a tuple of outputs; inputs are tensors, `run` is a `Run`.
Compute: TypeAlias = Callable[..., Any]
#: Settings of a node -> what computes it; settings are read once, when a graph is built.
Make: TypeAlias = Callable[[Attributes], Compute]

_OPERATORS: dict[str, Make] = {}
#: Layers whose parameters have the type of their data in MXNet, and are float32 here.
_WITH_PARAMETERS = frozenset(
    "FullyConnected Convolution Convolution_v1 Deconvolution BatchNorm BatchNorm_v1 LeakyReLU "
    "_contrib_SyncBatchNorm _contrib_BatchNormWithReLU LayerNorm InstanceNorm GroupNorm RNN".split()
)


def operator(*names: str) -> Callable[[Make], Make]:
    """Return a decorator that registers the maker of an operator under MXNet's names.

    >>> @operator("an_example")
    ... def an_example(attrs):
    ...     factor = attrs.number("scalar", 1.0)
    ...     return lambda run, x: x * factor
    """

    def enter(make: Make) -> Make:
        for name in names:
            _OPERATORS[name] = make
        return make

    return enter


def supported() -> list[str]:
    """Names of the operators that can be computed."""
    return sorted(_OPERATORS)


def maker_of(op: str) -> Make | None:
    """What makes an operator; None if it is not known."""
    # An operator on sparse arrays computes what its namesake does.
    return _OPERATORS.get(op) or _OPERATORS.get(op.removeprefix("_sparse_"))


def compute_of(attrs: Attributes) -> Compute:
    """Make what computes a node.

    Raises:
        EngineError: the operator is not known, or its settings are not supported.
    """
    node = attrs.node
    make = maker_of(node.op)
    if make is None:
        alike = get_close_matches(node.op, _OPERATORS, 1)
        raise EngineError(
            f"The engine 'torch' has no operator {node.op}",
            expected=f"one of {len(_OPERATORS)} operators of MXNet"
            + (f", such as {alike[0]}" if alike else ""),
            where=f"node {node.name!r}",
            fix="a Custom operator is Python code on MXNet's arrays: write it with operators, or "
            "use engine='mxnet'"
            if node.op == "Custom"
            else "use engine='mxnet', or register the operator: "
            f"densefit.engine.torch.operators.operator({node.op!r})",
        )
    compute = make(attrs)
    return _in_type_of_data(compute) if node.op in _WITH_PARAMETERS else compute


def _in_type_of_data(compute: Compute) -> Compute:
    """Compute a layer with its parameters cast to the type of its data, float64 or float16."""

    def cast(run: Any, x: Any, *parameters: Any) -> Any:
        if x.dtype in (torch.float64, torch.float16):
            parameters = tuple(parameter.to(x.dtype) for parameter in parameters)
        return compute(run, x, *parameters)

    return cast
