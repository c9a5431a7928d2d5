"""Clipping, whose gradient is as fast as ReLU's: most activations of mobile networks are ReLU6."""

from __future__ import annotations

import functools
import math
from typing import Any

import torch

from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.operators.registry import Compute, operator


@operator("clip")
def clip(attrs: Attributes) -> Compute:
    """Clamp; the gradient passes where the input is within the limits, both included."""
    low, high = attrs.number("a_min"), attrs.number("a_max")
    are_finite = math.isfinite(low) and math.isfinite(high)
    apply: Any = Clip.apply

    def compute(run: Any, x: Any) -> Any:
        if not (x.requires_grad and are_finite):
            return torch.clamp(x, low, high)
        return apply(x, low, high)

    return compute


class Clip(torch.autograd.Function):
    """Clamp, with a gradient in one kernel: that of torch.clamp is made of five, four times slower.

    The kernel, of hardtanh, passes what lies strictly between its limits; here these are the
    numbers next to the limits outside of them.
    """

    @staticmethod
    def forward(ctx: Any, x: Any, low: float, high: float) -> Any:
        """See the class."""
        ctx.save_for_backward(x)
        ctx.limits = low, high
        return x.clamp(low, high)

    @staticmethod
    def backward(ctx: Any, gradient: Any) -> Any:
        """See the class."""
        (x,) = ctx.saved_tensors
        below, above = _around(*ctx.limits, x.dtype)
        return torch.ops.aten.hardtanh_backward(gradient, x, below, above), None, None


@functools.cache
def _around(low: float, high: float, dtype: torch.dtype) -> tuple[float, float]:
    """The number of a type below `low`, and that above `high`; none of them denormal."""
    infinity, tiny = torch.tensor(math.inf, dtype=dtype), torch.finfo(dtype).tiny
    below = torch.nextafter(torch.tensor(low, dtype=dtype), -infinity).item()
    above = torch.nextafter(torch.tensor(high, dtype=dtype), infinity).item()
    return min(below, -tiny) if low == 0 else below, max(above, tiny) if high == 0 else above
