"""TensorFlow's SAME padding, which depends on the size of each layer's input."""

from __future__ import annotations

from typing import Any

from densefit.model.layers import conv_bn
from densefit.symbol import sym


def same_padding(size: int, kernel: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """Return the cells before and behind `size` with which the result has ceil(size / stride).

    The odd one is behind.

    >>> same_padding(224, 3, 2), same_padding(225, 3, 2), same_padding(112, 5, 2)
    ((0, 1), (1, 1), (1, 2))
    """
    span = dilation * (kernel - 1) + 1
    total = max((-(-size // stride) - 1) * stride + span - size, 0)
    return total // 2, total - total // 2


def same_conv_bn(
    x: Any,
    name: str,
    channels: int,
    kernel: int,
    size: tuple[int, int],
    *,
    stride: int = 1,
    dilation: int = 1,
    **settings: Any,
) -> tuple[Any, tuple[int, int]]:
    """Build `conv_bn` with SAME padding of a map of `size`; also the (height, width) of the result.

    Args:
        x: a feature map.
        name: prefix of the parameters.
        channels: number of filters.
        kernel: height and width of the kernel.
        size: (height, width) of x.
        stride: of the convolution.
        dilation: of the convolution.
        settings: others of `conv_bn`.
    """
    (top, bottom), (left, right) = (same_padding(n, kernel, stride, dilation) for n in size)
    is_even = top == bottom == left == right
    if not is_even:
        x = sym.pad(
            x, mode="constant", pad_width=(0, 0, 0, 0, top, bottom, left, right), name=f"{name}_pad"
        )
    x = conv_bn(
        x,
        name,
        channels,
        kernel,
        stride=stride,
        dilation=dilation,
        pad=top if is_even else 0,
        **settings,
    )
    return x, (-(-size[0] // stride), -(-size[1] // stride))
