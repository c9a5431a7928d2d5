"""Stochastic depth (Huang et al. 2016): training leaves out residuals of samples at random."""

from __future__ import annotations

from typing import Any

from densefit.symbol import sym


def drop_residual(x: Any, name: str, probability: float) -> Any:
    """Drop the residual (B, C, H, W) of a sample with a probability, and scale those that stay."""
    if not probability:
        return x
    return sym.Dropout(x, p=probability, axes=(1, 2, 3), name=f"{name}_drop")
