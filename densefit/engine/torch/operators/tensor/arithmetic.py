"""Operators of two tensors, or of a tensor and a number, element by element.

As in MXNet a comparison has the dtype of its inputs, and a number is converted to the dtype of the
tensor that it meets.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import torch

from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.operators.registry import Compute, operator


def _div(a: Any, b: Any) -> Any:
    """Quotient; truncated for whole numbers, of which a division by 0 is 0."""
    if a.is_floating_point():
        return a / b
    return torch.where(b == 0, 0, torch.div(a, torch.where(b == 0, 1, b), rounding_mode="trunc"))


def _mod(a: Any, b: Any) -> Any:
    """Remainder with the sign of the divisor; 0 where the divisor is 0."""
    zero = b == 0
    return torch.where(zero, 0, torch.remainder(a, torch.where(zero, 1, b)))


def _maximum(a: Any, b: Any) -> Any:
    """The greater; the gradient goes to the first of two equal ones, not to both by halves."""
    return torch.where((a >= b) | (a != a), a, b)


def _minimum(a: Any, b: Any) -> Any:
    return torch.where((a <= b) | (a != a), a, b)


_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "add": torch.add,
    "sub": torch.sub,
    "mul": torch.mul,
    "div": _div,
    "mod": _mod,
    "power": torch.pow,
    "maximum": _maximum,
    "minimum": _minimum,
    "hypot": torch.hypot,
}
_COMPARISONS: dict[str, Callable[[Any, Any], Any]] = {
    "equal": torch.eq,
    "not_equal": torch.ne,
    "greater": torch.gt,
    "greater_equal": torch.ge,
    "lesser": torch.lt,
    "lesser_equal": torch.le,
    "logical_and": lambda a, b: (a != 0) & (b != 0),
    "logical_or": lambda a, b: (a != 0) | (b != 0),
    "logical_xor": lambda a, b: (a != 0) ^ (b != 0),
}
#: MXNet's older names of the operators of two equal shapes.
_ALIASES: dict[str, tuple[str, ...]] = {
    "add": ("elemwise_add", "_add", "_plus", "_Plus", "_grad_add", "broadcast_plus"),
    "sub": ("elemwise_sub", "_sub", "_minus", "_Minus", "broadcast_minus"),
    "mul": ("elemwise_mul", "_mul", "_Mul"),
    "div": ("elemwise_div", "_div", "_Div", "_scatter_elemwise_div"),
}


def _camel(name: str) -> str:
    return "".join(word.title() for word in name.split("_"))


#: Operators whose inputs all have one shape; those named broadcast_ repeat sizes of 1.
SAME_SHAPE: set[str] = {"add_n", "ElementWiseSum"}


def _enter_binary(name: str, function: Callable[[Any, Any], Any]) -> None:
    names = _ALIASES.get(name, (f"_{name}", f"_{name.title()}"))

    SAME_SHAPE.update(n for n in names if not n.startswith("broadcast"))

    @operator(f"broadcast_{name}", *names)
    def make(attrs: Attributes) -> Compute:
        return lambda run, a, b: function(a, b)


def _enter_comparison(name: str, function: Callable[[Any, Any], Any]) -> None:
    SAME_SHAPE.update((f"_{name}", f"_{name.title()}"))

    @operator(f"broadcast_{name}", f"_{name}", f"_{name.title()}")
    def make(attrs: Attributes) -> Compute:
        return lambda run, a, b: function(a, b).to(a.dtype)

    @operator(f"_{name}_scalar", f"_{_camel(name)}Scalar")
    def make_scalar(attrs: Attributes) -> Compute:
        scalar = attrs.number("scalar")
        if name.startswith("logical"):
            return lambda run, x: function(x, torch.full_like(x, scalar)).to(x.dtype)
        return lambda run, x: function(x, _fitting(x, scalar)).to(x.dtype)


def _fitting(x: Any, scalar: float) -> float | int:
    """The number in the dtype of a tensor."""
    return scalar if x.is_floating_point() else int(scalar)


_PLAIN: dict[str, Callable[[Any, float], Any]] = {
    "plus": lambda x, s: x + s,
    "minus": lambda x, s: x - s,
    "rminus": lambda x, s: s - x,
    "mul": lambda x, s: x * s,
    "power": torch.pow,
    "rpower": lambda x, s: torch.pow(s, x),
    "maximum": torch.clamp_min,
    "minimum": torch.clamp_max,
}
_BY_TENSOR: dict[str, tuple[Callable[[Any, Any], Any], bool]] = {
    "mod": (_mod, False),
    "rmod": (_mod, True),
    "hypot": (torch.hypot, False),
}


def _enter_scalar(name: str, function: Callable[[Any, float], Any]) -> None:
    extra = {"plus": ("_scatter_plus_scalar",), "minus": ("_scatter_minus_scalar",)}

    @operator(f"_{name}_scalar", f"_{_scalar_camel(name)}Scalar", *extra.get(name, ()))
    def make(attrs: Attributes) -> Compute:
        scalar = attrs.number("scalar")
        return lambda run, x: function(x, _fitting(x, scalar))


def _scalar_camel(name: str) -> str:
    return f"R{name[1:].title()}" if name[0] == "r" else name.title()


def _div_scalar(x: Any, scalar: float) -> Any:
    if x.is_floating_point():
        return x / scalar
    return torch.div(x, scalar, rounding_mode="trunc") if scalar else torch.zeros_like(x)


def _rdiv_scalar(x: Any, scalar: float) -> Any:
    return _div(torch.full_like(x, scalar), x) if not x.is_floating_point() else scalar / x


def _as_tensor(function: Callable[[Any, Any], Any], swapped: bool) -> Callable[[Any, float], Any]:
    def compute(x: Any, scalar: float) -> Any:
        other = torch.full((), scalar, dtype=x.dtype, device=x.device)
        return function(other, x) if swapped else function(x, other)

    return compute


for _name, _function in _BINARY.items():
    _enter_binary(_name, _function)
for _name, _function in _COMPARISONS.items():
    _enter_comparison(_name, _function)
for _name, _plain in _PLAIN.items():
    _enter_scalar(_name, _plain)
for _name, (_function, _swapped) in _BY_TENSOR.items():
    _enter_scalar(_name, _as_tensor(_function, _swapped))
_enter_scalar("div", _div_scalar)
_enter_scalar("rdiv", _rdiv_scalar)


@operator("add_n", "ElementWiseSum")
def add_n(attrs: Attributes) -> Compute:
    """Sum of any number of tensors of one shape."""
    return lambda run, *tensors: reduce(torch.add, tensors)
