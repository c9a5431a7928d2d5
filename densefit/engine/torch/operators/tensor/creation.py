"""Tensors from settings alone, or from the shape of another."""

from __future__ import annotations

from typing import Any

import torch

from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.operators.registry import Compute, operator
from densefit.engine.torch.operators.types import dtype_of


@operator("_zeros", "_ones", "_full", "_zeros_without_dtype")
def full(attrs: Attributes) -> Compute:
    """One value everywhere."""
    value = 1.0 if attrs.node.op == "_ones" else attrs.number("value", 0.0)
    # 0 is a size that MXNet infers, of recurrent cells' begin states: 1 broadcasts to it.
    shape = tuple(size or 1 for size in attrs.wholes("shape"))
    dtype = dtype_of(attrs)
    return lambda run: torch.full(shape, value, dtype=dtype, device=run.device)


@operator("_arange")
def arange(attrs: Attributes) -> Compute:
    """start, start + step, ... below stop, each `repeat` times."""
    start, stop, step = (
        attrs.number("start", 0.0),
        attrs.optional("stop"),
        attrs.number("step", 1.0),
    )
    start, stop = (0.0, start) if stop is None else (start, float(stop))
    repeat, dtype = attrs.whole("repeat", 1), dtype_of(attrs)

    def compute(run: Any) -> Any:
        values = torch.arange(start, stop, step, dtype=torch.float64, device=run.device).to(dtype)
        return values.repeat_interleave(repeat) if repeat > 1 else values

    return compute


@operator("_contrib_arange_like")
def arange_like(attrs: Attributes) -> Compute:
    """start, start + step, ... as many as an axis has, or in the whole shape."""
    start, step = attrs.number("start", 0.0), attrs.number("step", 1.0)
    repeat, axis = attrs.whole("repeat", 1), attrs.optional("axis")

    def compute(run: Any, x: Any) -> Any:
        count = x.numel() if axis is None else x.shape[axis]
        index = torch.arange(count, device=x.device)
        if repeat > 1:
            index = torch.div(index, repeat, rounding_mode="floor")
        values = (start + step * index).to(x.dtype)
        return values.reshape(x.shape) if axis is None else values

    return compute


@operator("_linspace")
def linspace(attrs: Attributes) -> Compute:
    """Evenly spaced numbers."""
    start, stop, count = attrs.number("start"), attrs.number("stop"), attrs.whole("num")
    endpoint, dtype = attrs.flag("endpoint", True), dtype_of(attrs)
    step = (stop - start) / max(count - endpoint, 1)
    return lambda run: (start + step * torch.arange(count, device=run.device)).to(dtype)


@operator("_eye")
def eye(attrs: Attributes) -> Compute:
    """Ones on a diagonal."""
    rows, columns = attrs.whole("N"), attrs.whole("M", 0)
    offset, dtype = attrs.whole("k", 0), dtype_of(attrs)

    def compute(run: Any) -> Any:
        ones = torch.ones(rows, columns or rows, dtype=dtype, device=run.device)
        return ones.tril(offset).triu(offset)

    return compute


@operator("diag")
def diag(attrs: Attributes) -> Compute:
    """A matrix with a vector on its diagonal, or the diagonal of the last axes of a tensor."""
    offset = attrs.whole("k", 0)
    first, second = attrs.whole("axis1", 0), attrs.whole("axis2", 1)

    def compute(run: Any, x: Any) -> Any:
        return torch.diag(x, offset) if x.ndim == 1 else torch.diagonal(x, offset, first, second)

    return compute
