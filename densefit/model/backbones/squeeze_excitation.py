"""Squeeze-and-excitation (Hu et al. 2018): a gate a channel, computed from the whole map."""

from __future__ import annotations

from typing import Any

from densefit.model.activation import activate
from densefit.model.layers import conv
from densefit.symbol import sym


def squeeze_excite(
    x: Any,
    name: str,
    channels: int,
    squeezed: int,
    *,
    activation: str = "relu",
    gate: str = "sigmoid",
) -> Any:
    """Multiply each channel of (B, channels, H, W) by a gate between 0 and 1.

    Args:
        x: a feature map.
        name: prefix of the parameters, `<name>_reduce_weight`, `<name>_expand_weight`...
        channels: its number of channels.
        squeezed: channels between the two 1x1 convolutions.
        activation: between them.
        gate: activation behind them.
    """
    mean = sym.mean(x, axis=(2, 3), keepdims=True, name=f"{name}_mean")
    y = conv(mean, f"{name}_reduce", squeezed, kernel=1, bias=True)
    y = activate(y, activation, f"{name}_reduce")
    y = conv(y, f"{name}_expand", channels, kernel=1, bias=True)
    return sym.broadcast_mul(x, activate(y, gate, f"{name}_expand"), name=f"{name}_scaled")
