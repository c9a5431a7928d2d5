"""Labels with a known shape. Symbols."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from densefit.symbol import sym


def sample_zeros(data: Any) -> Any:
    """(B,) zeros, one for each sample of (B, ...) data computed from the image; no gradient.

    Call it once: where many gradients of a map meet, if only zeros, MXNet adds them in place in
    layouts of oneDNN that do not fit.
    """
    return sym.BlockGrad(sym.contrib.arange_like(sym.BlockGrad(data), axis=0) * 0)


def shaped_label(label: Any, shape: Sequence[int], zeros: Any) -> Any:
    """The label, with a shape that MXNet knows before data are bound, and without gradient.

    Operators such as `topk` refuse inputs of unknown shape.

    Args:
        label: (B, *shape).
        shape: shape of the label for one sample.
        zeros: of `sample_zeros`.
    """
    column = sym.reshape(zeros, shape=(-1, *(1 for _ in shape)))
    return sym.BlockGrad(label) + sym.broadcast_to(column, shape=(0, *shape))
