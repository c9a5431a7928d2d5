"""Operators of one tensor, element by element."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.operators.registry import Compute, operator
from densefit.engine.torch.operators.types import dtype_of


def _round(x: Any) -> Any:
    """Round half away from zero, as C does; torch rounds half to even."""
    whole = torch.trunc(x)
    return whole + torch.sign(x) * ((x - whole).abs() >= 0.5)


def _rint(x: Any) -> Any:
    """Round half down, as MXNet does."""
    low, high = torch.floor(x), torch.ceil(x)
    return torch.where(x - low <= high - x, low, high)


def _cbrt(x: Any) -> Any:
    return torch.sign(x) * x.abs() ** (1 / 3)


def _gamma(x: Any) -> Any:
    """The gamma function; below zero its sign alternates."""
    negative = (x < 0) & (torch.floor(x) % 2 != 0)
    return torch.exp(torch.lgamma(x)) * torch.where(negative, -1.0, 1.0).to(x.dtype)


_FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    "abs": torch.abs,
    "arccos": torch.acos,
    "arccosh": torch.acosh,
    "arcsin": torch.asin,
    "arcsinh": torch.asinh,
    "arctan": torch.atan,
    "arctanh": torch.atanh,
    "cbrt": _cbrt,
    "ceil": torch.ceil,
    "cos": torch.cos,
    "cosh": torch.cosh,
    "degrees": lambda x: x * (180 / math.pi),
    "erf": torch.erf,
    "erfinv": torch.erfinv,
    "exp": torch.exp,
    "expm1": torch.expm1,
    "fix": torch.trunc,
    "floor": torch.floor,
    "gamma": _gamma,
    "gammaln": torch.lgamma,
    "log": torch.log,
    "log10": torch.log10,
    "log1p": torch.log1p,
    "log2": torch.log2,
    "logical_not": lambda x: (x == 0).to(x.dtype),
    "negative": torch.neg,
    "radians": lambda x: x * (math.pi / 180),
    "rcbrt": lambda x: 1 / _cbrt(x),
    "reciprocal": torch.reciprocal,
    "relu": torch.relu,
    "rint": _rint,
    "round": _round,
    "rsqrt": torch.rsqrt,
    "sigmoid": torch.sigmoid,
    "sign": torch.sign,
    "sin": torch.sin,
    "sinh": torch.sinh,
    "softsign": torch.nn.functional.softsign,
    "sqrt": torch.sqrt,
    "square": torch.square,
    "tan": torch.tan,
    "tanh": torch.tanh,
    "trunc": torch.trunc,
    "ones_like": torch.ones_like,
    "zeros_like": torch.zeros_like,
}


#: Operators whose output has the shape of their first input.
SHAPE_PRESERVING = {
    *_FUNCTIONS,
    *("_copy", "identity", "BlockGrad", "stop_gradient", "Cast", "cast", "amp_cast", "clip"),
    *("smooth_l1", "Activation", "LeakyReLU", "MakeLoss", "make_loss"),
}


def _register(name: str, function: Callable[[Any], Any]) -> None:
    @operator(name)
    def make(attrs: Attributes) -> Compute:
        return lambda run, x: function(x)


for _name, _function in _FUNCTIONS.items():
    _register(_name, _function)


@operator(
    "_copy",
    "identity",
    "_identity_with_attr_like_rhs",
    "_CrossDeviceCopy",
    "_grad_copy",
    "cast_storage",
    "_copyto",
)
def identity(attrs: Attributes) -> Compute:
    """The input itself."""
    return lambda run, x, *like: x


@operator("BlockGrad", "stop_gradient")
def block_grad(attrs: Attributes) -> Compute:
    """The input, through which no gradient flows."""
    return lambda run, x: x.detach()


@operator("Cast", "cast", "amp_cast")
def cast(attrs: Attributes) -> Compute:
    """Convert to another dtype; real numbers are truncated toward zero, modulo the range.

    No gradient flows through whole numbers; MXNet truncates it as it does values.
    """
    dtype = dtype_of(attrs)
    if dtype == torch.uint8:  # from real numbers out of range: undefined in C, by int32 in MXNet
        return lambda run, x: (x.to(torch.int32) if x.is_floating_point() else x).to(dtype)
    return lambda run, x: x.to(dtype)


@operator("smooth_l1")
def smooth_l1(attrs: Attributes) -> Compute:
    """Quadratic within 1/scalar^2, linear beyond."""
    square = attrs.number("scalar", 1.0) ** 2
    if square == 1:  # one kernel, with the same gradient
        loss = torch.nn.functional.smooth_l1_loss
        return lambda run, x: loss(
            x, torch.zeros((), dtype=x.dtype, device=x.device).expand_as(x), reduction="none"
        )

    def compute(run: Any, x: Any) -> Any:
        size = x.abs()
        return torch.where(size > 1 / square, size - 0.5 / square, 0.5 * square * x * x)

    return compute


@operator("hard_sigmoid")
def hard_sigmoid(attrs: Attributes) -> Compute:
    """max(0, min(1, alpha * x + beta)); no gradient at and beyond the limits."""
    alpha, beta = attrs.number("alpha", 0.2), attrs.number("beta", 0.5)

    def compute(run: Any, x: Any) -> Any:
        y = alpha * x + beta
        return torch.where((y > 0) & (y < 1), y, y.detach().clamp(0, 1))

    return compute


@operator("_contrib_gradientmultiplier")
def gradient_multiplier(attrs: Attributes) -> Compute:
    """The input; its gradient is multiplied by `scalar`."""
    scalar = attrs.number("scalar", 1.0)
    return lambda run, x: x.detach() + scalar * (x - x.detach())


@operator("_contrib_div_sqrt_dim")
def div_sqrt_dim(attrs: Attributes) -> Compute:
    """Divide by the root of the size of the last axis."""
    return lambda run, x: x / math.sqrt(x.shape[-1])


@operator("_contrib_quadratic")
def quadratic(attrs: Attributes) -> Compute:
    """a x^2 + b x + c."""
    a, b, c = (attrs.number(name, 0.0) for name in "abc")
    return lambda run, x: a * x * x + b * x + c


@operator("_contrib_round_ste", "_contrib_sign_ste")
def straight_through(attrs: Attributes) -> Compute:
    """Round, or the sign; the gradient is that of the identity."""
    function = _round if "round" in attrs.node.op else torch.sign
    return lambda run, x: x + (function(x) - x).detach()
