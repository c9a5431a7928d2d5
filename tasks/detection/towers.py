"""Convolutions that all levels of a pyramid share. Symbols.

Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, section 4: the layers of the
subnets have the same parameters at all levels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from densefit.model.normalization import channel_scales, group_norm
from densefit.symbol import init, sym

#: Standard deviation of the initial weights at 256 channels, as in the paper. Fewer channels get
#: larger ones, so that the features keep their size.
STD, CHANNELS = 0.01, 256


def shared_convolution(
    levels: Sequence[Any],
    name: str,
    channels: int,
    *,
    std: float = STD,
    bias: float | None = 0.0,
) -> list[Any]:
    """Convolve all levels by the same 3x3 filters.

    Args:
        levels: maps (B, C, H, W), of the same number of channels.
        name: prefix of the parameters.
        channels: number of filters.
        std: standard deviation of the initial filters.
        bias: initial value of the biases; None: no biases.
    """
    parameters = [sym.Variable(f"{name}_weight", init=init.Normal(std))]
    if bias is not None:
        parameters.append(sym.Variable(f"{name}_bias", init=init.Constant(bias)))
    return [
        sym.Convolution(
            data,
            *parameters,
            num_filter=channels,
            kernel=(3, 3),
            pad=(1, 1),
            no_bias=bias is None,
            name=f"{name}_{number}",
        )
        for number, data in enumerate(levels)
    ]


def tower(
    levels: Sequence[Any],
    name: str,
    channels: int,
    depth: int,
    *,
    normalization: str = "none",
    bias: bool = True,
) -> list[Any]:
    """`depth` shared convolutions, each with a ReLU; before it, perhaps a shared GroupNorm.

    Args:
        levels: maps (B, channels, H, W).
        name: prefix of the parameters.
        channels: channels of the maps.
        depth: number of convolutions.
        normalization: "none" or "group".
        bias: whether the convolutions have biases.
    """
    levels = list(levels)
    std = STD * (CHANNELS / channels) ** 0.5
    for layer in range(depth):
        prefix = f"{name}{layer}"
        levels = shared_convolution(levels, prefix, channels, std=std, bias=0.0 if bias else None)
        if normalization == "group":
            norm = f"{prefix}_bn"
            scales = channel_scales(norm, channels)
            levels = [
                group_norm(data, *scales, channels, 1e-5, f"{norm}_{number}")
                for number, data in enumerate(levels)
            ]
        levels = [sym.relu(data) for data in levels]
    return levels


def cell_rows(levels: Sequence[Any], width: int) -> list[Any]:
    """(B, A, width) values of the anchors of each level, in anchor order.

    Args:
        levels: maps (B, anchors * width, H, W).
        width: values per anchor.
    """
    return [
        sym.reshape(sym.transpose(data, axes=(0, 2, 3, 1)), shape=(0, -1, width)) for data in levels
    ]
