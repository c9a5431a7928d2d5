"""Pooling with MXNet's conventions for the size of the result."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.operators.registry import Compute, operator

_MAX = (F.max_pool1d, F.max_pool2d, F.max_pool3d)
_AVERAGE = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)


@operator("Pooling", "Pooling_v1")
def pooling(attrs: Attributes) -> Compute:
    """max, avg, sum or lp pooling over windows, or over whole maps with `global_pool`.

    Sizes are rounded down ("valid") or up ("full"): then the last windows reach beyond the padding.
    An average counts padding if `count_include_pad`, but nothing beyond it; MXNet's gradient of
    such a mean is that of the whole window, here it is that of the mean.
    """
    kind = attrs.text("pool_type", "max")
    last = attrs.text("layout").endswith("C")
    pool = _global_pool(attrs, kind) if attrs.flag("global_pool") else _windows(attrs, kind)

    def compute(run: Any, x: Any) -> Any:
        return pool(x.movedim(-1, 1)).movedim(1, -1) if last else pool(x)

    return compute


def _global_pool(attrs: Attributes, kind: str) -> Any:
    power = attrs.whole("p_value", 2)

    def pool(x: Any) -> Any:
        axes = tuple(range(2, x.ndim))
        if kind == "max":
            flat = x.flatten(2).max(2).values
            return flat.reshape(*x.shape[:2], *(1,) * len(axes))
        if kind == "avg":
            return x.mean(axes, keepdim=True)
        if kind == "sum":
            return x.sum(axes, keepdim=True)
        return _root((x**power).sum(axes, keepdim=True), power)

    return pool


def _root(x: Any, power: int) -> Any:
    return x if power == 1 else torch.sqrt(x) if power == 2 else torch.sign(x) * x.abs() ** (1 / 3)


def _windows(attrs: Attributes, kind: str) -> Any:
    kernel = attrs.wholes("kernel")
    ndim = len(kernel)
    stride, pad = attrs.wholes("stride", (1,) * ndim), attrs.wholes("pad", (0,) * ndim)
    stride, pad = stride or (1,) * ndim, pad or (0,) * ndim
    rounded_up = attrs.choice("pooling_convention", {"valid": False, "full": True}, "valid")
    include = attrs.flag("count_include_pad", True)
    power = attrs.whole("p_value", 2)
    maximum, average = _MAX[ndim - 1], _AVERAGE[ndim - 1]

    def pool(x: Any) -> Any:
        beyond = [
            _beyond(size, k, s, p) if rounded_up else 0
            for size, k, s, p in zip(x.shape[2:], kernel, stride, pad)
        ]
        if kind == "max":
            if not any(beyond) and all(2 * p <= k for p, k in zip(pad, kernel)):
                return maximum(x, kernel, stride, pad)
            return maximum(
                F.pad(x, _sides(pad, beyond), value=torch.finfo(x.dtype).min), kernel, stride
            )
        if kind == "avg" and not any(beyond) and all(2 * p <= k for p, k in zip(pad, kernel)):
            return average(x, kernel, stride, pad, False, include)
        x_padded = F.pad(x**power if kind == "lp" else x, _sides(pad, beyond))
        size = 1
        for k in kernel:
            size *= k
        total = average(x_padded, kernel, stride) * size
        if kind == "avg":
            for axis, (k, s, p) in enumerate(zip(kernel, stride, pad), 2):
                total = total / _counts(total, axis, x.shape[axis], k, s, p, include)
        return _root(total, power) if kind == "lp" else total

    return pool


def _beyond(size: int, kernel: int, stride: int, pad: int) -> int:
    """How far the last window reaches beyond the padding when sizes are rounded up."""
    count = -(-(size + 2 * pad - kernel) // stride) + 1
    return max((count - 1) * stride + kernel - (size + 2 * pad), 0)


def _sides(pad: tuple[int, ...], beyond: list[int]) -> list[int]:
    """Padding as torch's F.pad takes it: the last axis first, each before and after."""
    return [n for p, more in zip(reversed(pad), reversed(beyond)) for n in (p, p + more)]


def _counts(
    like: Any, axis: int, size: int, kernel: int, stride: int, pad: int, include: bool
) -> Any:
    """Number of elements in each window along an axis, shaped to divide by."""
    start = torch.arange(like.shape[axis], device=like.device) * stride - pad
    stop = (start + kernel).clamp(max=size + pad if include else size)
    count = stop - (start if include else start.clamp(min=0))
    return (
        count.clamp(min=1)
        .to(like.dtype)
        .reshape([-1 if n == axis else 1 for n in range(like.ndim)])
    )
