"""Reductions over axes: sums, means, products, extremes, norms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.operators.registry import Compute, operator
from densefit.engine.torch.operators.types import dtype_of


@dataclass(frozen=True)
class Axes:
    """The axes of a reduction.

    Attributes:
        axes: axes as set; None and () for all.
        keepdims: whether reduced axes keep the size 1.
        exclude: whether all axes but these are reduced.
    """

    axes: tuple[int, ...] | None
    keepdims: bool
    exclude: bool = False

    @classmethod
    def of(cls, attrs: Attributes) -> Axes:
        """Read the settings of a node."""
        axis = attrs.optional("axis")
        axes = None if axis is None or axis == () else attrs.wholes("axis")
        return cls(axes, attrs.flag("keepdims"), attrs.flag("exclude"))

    def __call__(self, ndim: int) -> tuple[int, ...]:
        """The axes that are reduced, in order."""
        if self.axes is None:
            return tuple(range(ndim))
        axes = {axis % ndim for axis in self.axes}
        return tuple(n for n in range(ndim) if (n in axes) != self.exclude)

    def finish(self, result: Any) -> Any:
        """Give a result without axes the shape (1,), as MXNet has no scalars."""
        return result if result.ndim else result.reshape(1)


class _Extreme(torch.autograd.Function):
    """Maximum or minimum; each of several equal elements gets the whole gradient."""

    @staticmethod
    def forward(ctx: Any, x: Any, axes: tuple[int, ...], largest: bool) -> Any:
        result = (torch.amax if largest else torch.amin)(x, dim=axes, keepdim=True)
        ctx.save_for_backward(x, result)
        return result

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        x, result = ctx.saved_tensors
        return grad * (x == result), None, None


def _extreme(largest: bool) -> Callable[[Any, tuple[int, ...]], Any]:
    apply: Any = _Extreme.apply
    return lambda x, axes: apply(x, axes, largest)


def _prod(x: Any, axes: tuple[int, ...]) -> Any:
    for axis in axes:
        x = torch.prod(x, dim=axis, keepdim=True)
    return x


def _mean(x: Any, axes: tuple[int, ...]) -> Any:
    if x.is_floating_point():
        return torch.mean(x, dim=axes, keepdim=True)
    total = torch.sum(x, dim=axes, keepdim=True, dtype=x.dtype)
    return torch.div(total, x.numel() // max(total.numel(), 1), rounding_mode="trunc")


def _without_nan(x: Any, value: float) -> Any:
    return torch.where(torch.isnan(x), value, x)


_REDUCTIONS: dict[tuple[str, ...], Callable[[Any, tuple[int, ...]], Any]] = {
    ("sum", "sum_axis"): lambda x, axes: torch.sum(x, dim=axes, keepdim=True, dtype=x.dtype),
    ("mean",): _mean,
    ("prod",): _prod,
    ("nansum",): lambda x, axes: torch.sum(_without_nan(x, 0.0), dim=axes, keepdim=True),
    ("nanprod",): lambda x, axes: _prod(_without_nan(x, 1.0), axes),
    ("max", "max_axis"): _extreme(True),
    ("min", "min_axis"): _extreme(False),
    ("_square_sum",): lambda x, axes: torch.sum(x * x, dim=axes, keepdim=True),
}


def _enter(names: tuple[str, ...], function: Callable[[Any, tuple[int, ...]], Any]) -> None:
    @operator(*names)
    def make(attrs: Attributes) -> Compute:
        axes = Axes.of(attrs)
        return lambda run, x: _reduced(x, axes, function)


def _reduced(x: Any, axes: Axes, function: Callable[[Any, tuple[int, ...]], Any]) -> Any:
    dims = axes(x.ndim)
    result = function(x, dims) if dims else x
    if axes.keepdims:
        return result
    return axes.finish(result.reshape([n for i, n in enumerate(x.shape) if i not in dims]))


for _names, _function in _REDUCTIONS.items():
    _enter(_names, _function)


@operator("norm")
def norm(attrs: Attributes) -> Compute:
    """Norm of order 1 or 2; the gradient of order 2 is 0 at 0."""
    axes, order = Axes.of(attrs), attrs.whole("ord", 2)
    dtype = dtype_of(attrs, name="out_dtype") if attrs.optional_text("out_dtype") else None

    def measure(x: Any, dims: tuple[int, ...]) -> Any:
        if order == 1:
            return torch.sum(x.abs(), dim=dims, keepdim=True)
        return torch.linalg.vector_norm(x, dim=dims, keepdim=True)

    return lambda run, x: _reduced(x if dtype is None else x.to(dtype), axes, measure)


@operator("argmax", "argmin", "argmax_channel")
def argmax(attrs: Attributes) -> Compute:
    """Index of the first extreme, in the dtype of the input, over an axis or over all elements."""
    channel = attrs.node.op == "argmax_channel"
    axis = 1 if channel else attrs.optional("axis")
    keepdims = attrs.flag("keepdims")
    find = torch.argmin if attrs.node.op == "argmin" else torch.argmax

    def compute(run: Any, x: Any) -> Any:
        if axis is None:
            index = find(x).reshape((1,) * x.ndim if keepdims else (1,))
        else:
            index = find(x, dim=axis, keepdim=keepdims or x.ndim == 1)
        return index.to(x.dtype)

    return compute


@operator("moments")
def moments(attrs: Attributes) -> Compute:
    """Mean and biased variance over axes."""
    axes, keepdims = attrs.optional("axes"), attrs.flag("keepdims")
    chosen = Axes(None if axes in (None, ()) else attrs.wholes("axes"), keepdims)

    def compute(run: Any, x: Any) -> Any:
        mean = torch.mean(x, dim=chosen(x.ndim), keepdim=True)
        variance = _reduced((x - mean) ** 2, chosen, _mean)
        return _reduced(x, chosen, _mean), variance

    return compute


@operator("cumsum", "_np_cumsum")
def cumsum(attrs: Attributes) -> Compute:
    """Running sums along an axis, or along all elements."""
    axis = attrs.optional("axis")
    dtype = dtype_of(attrs) if attrs.optional_text("dtype") else None

    def compute(run: Any, x: Any) -> Any:
        if axis is None:
            return torch.cumsum(x.reshape(-1), 0, dtype=dtype or x.dtype)
        return torch.cumsum(x, axis, dtype=dtype or x.dtype)

    return compute


@operator("all_finite", "multi_all_finite")
def all_finite(attrs: Attributes) -> Compute:
    """1 where every number of all inputs is finite, else 0."""
    return lambda run, *xs: torch.stack([x.isfinite().all() for x in xs]).all().float().reshape(1)
