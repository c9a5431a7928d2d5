"""Slices of tensors, and values written into them."""

from __future__ import annotations

from typing import Any

import torch

from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.operators.registry import Compute, operator


def cut(x: Any, axis: int, part: slice) -> Any:
    """A slice along an axis; its step may be negative, which torch does not know."""
    start, stop, step = part.indices(x.shape[axis])
    length = len(range(start, stop, step))
    if step > 0:
        if step == 1:
            return x.narrow(axis, start if length else 0, length)
        at = [slice(None)] * x.ndim
        at[axis] = slice(start, stop, step)
        return x[tuple(at)]
    index = torch.arange(length, device=x.device) * step + start
    return x.index_select(axis, index)


def _parts(attrs: Attributes) -> list[slice]:
    begin, end = _tuple(attrs.optional("begin")), _tuple(attrs.optional("end"))
    steps = _tuple(attrs.optional("step")) or (None,) * len(begin)
    return [slice(first, last, step) for first, last, step in zip(begin, end, steps)]


def _tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else () if value is None else (value,)


@operator("slice", "crop")
def slice_(attrs: Attributes) -> Compute:
    """Slices along the first axes."""
    parts = _parts(attrs)

    def compute(run: Any, x: Any) -> Any:
        for axis, part in enumerate(parts):
            if part != slice(None):
                x = cut(x, axis, part)
        return x

    return compute


@operator("slice_axis")
def slice_axis(attrs: Attributes) -> Compute:
    """A slice along one axis."""
    axis = attrs.whole("axis")
    part = slice(attrs.optional("begin"), attrs.optional("end"))
    return lambda run, x: cut(x, axis, part)


@operator("slice_like")
def slice_like(attrs: Attributes) -> Compute:
    """The first elements along axes, as many as another tensor has; along all by default."""
    axes = attrs.optional("axes")

    def compute(run: Any, x: Any, like: Any) -> Any:
        for axis in _tuple(axes) or range(x.ndim):
            x = x.narrow(axis, 0, like.shape[axis])
        return x

    return compute


def _region(x: Any, parts: list[slice]) -> tuple[Any, ...]:
    """An index of the region of slices, with steps of any sign."""
    if all(part.step is None or part.step > 0 for part in parts):
        return tuple(parts)
    ranges = [
        torch.arange(n, device=x.device)[_forward(part, n)] for n, part in zip(x.shape, parts)
    ]
    flipped = [
        r.flip(0) if part.step is not None and part.step < 0 else r
        for r, part in zip(ranges, parts)
    ]
    rest = [torch.arange(n, device=x.device) for n in x.shape[len(parts) :]]
    return tuple(torch.meshgrid(*flipped, *rest, indexing="ij"))


def _forward(part: slice, size: int) -> slice:
    indices = range(*part.indices(size))
    if not indices or indices.step > 0:
        return part
    return slice(indices[-1], indices[0] + 1, -indices.step)


@operator("_slice_assign", "_crop_assign")
def slice_assign(attrs: Attributes) -> Compute:
    """A tensor with a region replaced by another tensor."""
    parts = _parts(attrs)

    def compute(run: Any, x: Any, values: Any) -> Any:
        result = x.clone()
        result[_region(x, parts)] = values
        return result

    return compute


@operator("_slice_assign_scalar", "_crop_assign_scalar")
def slice_assign_scalar(attrs: Attributes) -> Compute:
    """A tensor with a region filled by a number."""
    parts, scalar = _parts(attrs), attrs.number("scalar", 0.0)

    def compute(run: Any, x: Any) -> Any:
        result = x.clone()
        result[_region(x, parts)] = scalar
        return result

    return compute
