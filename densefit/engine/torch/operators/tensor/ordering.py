"""Orders: topk, sort, argsort. Equal elements keep their order; NaN counts as the greatest."""

from __future__ import annotations

from typing import Any

import torch

from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.operators.registry import Compute, operator
from densefit.engine.torch.operators.types import dtype_of


def _axis(attrs: Attributes) -> int | None:
    return attrs.optional("axis") if "axis" in attrs else -1


@operator("sort")
def sort(attrs: Attributes) -> Compute:
    """Sort along an axis, or all elements."""
    axis, ascending = _axis(attrs), attrs.flag("is_ascend", True)

    def compute(run: Any, x: Any) -> Any:
        x, dim = (x.reshape(-1), 0) if axis is None else (x, axis)
        return torch.sort(x, dim=dim, descending=not ascending, stable=True).values

    return compute


@operator("argsort")
def argsort(attrs: Attributes) -> Compute:
    """Indices of the order along an axis, or of all elements."""
    axis, ascending, dtype = _axis(attrs), attrs.flag("is_ascend", True), dtype_of(attrs)

    def compute(run: Any, x: Any) -> Any:
        x, dim = (x.reshape(-1), 0) if axis is None else (x, axis)
        return torch.sort(x, dim=dim, descending=not ascending, stable=True).indices.to(dtype)

    return compute


@operator("topk")
def topk(attrs: Attributes) -> Compute:
    """The first `k` of the order along an axis: values, indices, both or a mask of ones."""
    axis, count, kind = _axis(attrs), attrs.whole("k", 1), attrs.text("ret_typ", "indices")
    descending, dtype = not attrs.flag("is_ascend"), dtype_of(attrs)

    def compute(run: Any, x: Any) -> Any:
        shape = x.shape
        x, dim = (x.reshape(-1), 0) if axis is None else (x, axis % x.ndim)
        size = x.shape[dim]
        # A stable order and not torch.topk: of equal scores the first stay, on every device.
        values, order = torch.sort(x, dim=dim, descending=descending, stable=True)
        chosen = order.narrow(dim, 0, min(count, size) if count > 0 else size)
        if kind == "mask":
            ones = torch.ones((), dtype=x.dtype, device=x.device).expand(chosen.shape)
            return torch.zeros_like(x).scatter(dim, chosen, ones).reshape(shape)
        if kind == "indices":
            return chosen.to(dtype)
        values = values.narrow(dim, 0, chosen.shape[dim])
        return values if kind == "value" else (values, chosen.to(dtype))

    return compute


@operator("_histogram")
def histogram(attrs: Attributes) -> Compute:
    """Counts of the elements in bins of equal size, and the bins' edges."""
    count, limits = attrs.whole("bin_cnt", 0), attrs.optional("range")

    def compute(run: Any, x: Any, edges: Any = None) -> Any:
        if edges is None:
            low, high = limits
            edges = torch.linspace(low, high, count + 1, dtype=x.dtype, device=x.device)
        flat = x.reshape(-1)
        inside = flat[(flat >= edges[0]) & (flat <= edges[-1])]
        number = torch.searchsorted(edges, inside, right=True) - 1
        bins = len(edges) - 1
        return torch.bincount(number.clamp(max=bins - 1), minlength=bins), edges

    return compute
