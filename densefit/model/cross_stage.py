"""Cross-stage partial layers of YOLOX's backbone and neck (Ge et al. 2021). Symbols.

Half of a stage's channels pass its blocks, half pass by (Wang et al. 2020, CSPNet).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from densefit.model.layers import conv_bn
from densefit.symbol import sym

#: `conv_bn` with swish, and YOLOX's eps.
swish_conv = partial(conv_bn, activation="swish", eps=1e-3)


def cross_stage(
    x: Any, name: str, channels: int, blocks: int, *, dilation: int = 1, has_sums: bool
) -> Any:
    """Half of the channels pass blocks of two convolutions, half pass by.

    Args:
        x: (B, C, H, W).
        name: prefix of the parameters.
        channels: channels of the result.
        blocks: number of blocks.
        dilation: of the 3x3 convolutions.
        has_sums: whether blocks are added to their inputs.
    """
    half = channels // 2
    through = swish_conv(x, f"{name}_conv1", half, kernel=1)
    past = swish_conv(x, f"{name}_conv2", half, kernel=1)
    for block in range(blocks):
        y = swish_conv(through, f"{name}_{block}_conv1", half, kernel=1)
        y = swish_conv(y, f"{name}_{block}_conv2", half, dilation=dilation)
        through = through + y if has_sums else y
    return swish_conv(joined([through, past]), f"{name}_conv3", channels, kernel=1)


def joined(maps: Sequence[Any]) -> Any:
    """Concatenate maps of equal sizes along channels.

    Not by `concat`, whose gradient ends MXNet by a division by zero where maps of few channels
    (4 or 8) are products, as of swish.
    """
    return sym.reshape(sym.stack(*maps, axis=1), shape=(0, -3, -2))
