"""MobileNetV2 (Sandler et al. 2018): inverted residuals with linear bottlenecks."""

from __future__ import annotations

from typing import Any

from densefit.model.backbones.backbone import Backbone, backbones
from densefit.model.backbones.strides import Strides
from densefit.model.layers import conv_bn

# expansion, channels, blocks, stride: table 2 of the paper
STAGES = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)


def whole_channels(channels: float, divisor: int = 8) -> int:
    """Round to a multiple of `divisor`, never more than 10 % below (as the reference code).

    >>> whole_channels(32 * 0.75), whole_channels(16 * 0.35)
    (24, 8)
    """
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded


class MobileNetV2(Backbone):
    """MobileNetV2 without its last 1x1 convolution and classifier.

    Args:
        multiplier: scales every layer's channels (alpha in the paper).
    """

    name = "mobilenetv2"

    def __init__(self, multiplier: float = 1.0) -> None:
        self.multiplier = multiplier

    def maps(self, x: Any, output_stride: int) -> dict[int, tuple[Any, int]]:
        """See `Backbone.maps`."""
        channels = whole_channels(32 * self.multiplier)
        x = conv_bn(x, f"{self.name}_stem", channels, stride=2, activation="relu6")
        maps = {}
        strides, count = Strides(output_stride, stride=2), 0
        for expansion, width, blocks, step in STAGES:
            step, first_dilation = strides.enter(step)
            out = whole_channels(width * self.multiplier)
            for block in range(blocks):
                x = self._block(
                    x,
                    f"{self.name}_block{count}",
                    channels,
                    out,
                    expansion,
                    stride=step if block == 0 else 1,
                    dilation=first_dilation if block == 0 else strides.dilation,
                )
                channels, count = out, count + 1
            maps[strides.stride] = (x, out)
        return {stride: features for stride, features in maps.items() if stride >= 4}

    @staticmethod
    def _block(
        x: Any, name: str, channels: int, out: int, expansion: int, *, stride: int, dilation: int
    ) -> Any:
        inner, y = channels * expansion, x
        if expansion > 1:
            y = conv_bn(y, f"{name}_expand", inner, kernel=1, activation="relu6")
        y = conv_bn(
            y,
            f"{name}_depthwise",
            inner,
            stride=stride,
            dilation=dilation,
            groups=inner,
            activation="relu6",
        )
        y = conv_bn(y, f"{name}_project", out, kernel=1, activation=None)
        return x + y if stride == 1 and channels == out else y


@backbones.register("mobilenetv2")
def mobilenetv2(multiplier: float = 1.0) -> Backbone:
    """MobileNetV2: 1.8 M parameters (2.2 M with its last 1x1 convolution).

    Args:
        multiplier: scales every layer's channels (alpha in the paper).
    """
    return MobileNetV2(multiplier)
