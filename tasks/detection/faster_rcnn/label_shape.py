"""Labels with a known shape. Symbols."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from densefit.symbol import sym


def shaped_label(label: Any, shape: Sequence[int], like: Any) -> Any:
    """The label, with a shape that MXNet knows before data are bound, and without gradient.

    Operators such as `topk` refuse inputs of unknown shape. And gradients of several readers of a
    label, which nobody needs, meet in layouts that MXNet's oneDNN does not add up.

    Args:
        label: (B, *shape).
        shape: shape of the label for one sample.
        like: (B, ...) computed from the image.
    """
    zeros = sym.contrib.arange_like(like, axis=0) * 0
    zeros = sym.reshape(zeros, shape=(-1, *(1 for _ in shape)))
    return sym.BlockGrad(label) + sym.broadcast_to(sym.BlockGrad(zeros), shape=(0, *shape))
