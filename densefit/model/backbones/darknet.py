"""DarkNet-53 (Redmon and Farhadi 2018, YOLOv3): residuals of a 1x1 and a 3x3 convolution."""

from __future__ import annotations

from typing import Any

from densefit.model.backbones.backbone import Backbone, backbones
from densefit.model.backbones.strides import Strides
from densefit.model.layers import conv_bn
from densefit.symbol import sym

#: Blocks of the stages at strides 2 to 32; each has twice the channels of the one before.
BLOCKS = (1, 2, 8, 8, 4)


class DarkNet53(Backbone):
    """DarkNet-53 without its classifier.

    Args:
        width: channels of the stem; 32 in the paper.
        slope: slope of the activations below 0.
    """

    name = "darknet53"

    def __init__(self, width: int = 32, slope: float = 0.1) -> None:
        self.width, self.slope = width, slope

    def maps(self, x: Any, output_stride: int) -> dict[int, tuple[Any, int]]:
        """See `Backbone.maps`."""
        x = self._conv(x, f"{self.name}_stem", self.width)
        maps = {}
        strides, channels = Strides(output_stride), self.width
        for stage, blocks in enumerate(BLOCKS):
            stride, dilation = strides.enter(2)
            channels *= 2
            name = f"{self.name}_stage{stage + 1}"
            x = self._conv(x, f"{name}_down", channels, stride=stride, dilation=dilation)
            for block in range(blocks):
                y = self._conv(x, f"{name}_{block}_conv1", channels // 2, kernel=1)
                y = self._conv(y, f"{name}_{block}_conv2", channels, dilation=strides.dilation)
                x = x + y
            maps[strides.stride] = (x, channels)
        return {stride: features for stride, features in maps.items() if stride >= 4}

    def _conv(self, x: Any, name: str, channels: int, **settings: Any) -> Any:
        x = conv_bn(x, name, channels, activation=None, **settings)
        return sym.LeakyReLU(x, act_type="leaky", slope=self.slope, name=f"{name}_leaky")


@backbones.register("darknet53")
def darknet53(width: int = 32, slope: float = 0.1) -> Backbone:
    """DarkNet-53: 40.6 M parameters, 7.1 G multiply-adds at 224x224.

    Args:
        width: channels of the stem; the stages have 2, 4, 8, 16 and 32 times as many.
        slope: slope of the activations below 0: 0.1 in Darknet's weights, 0.01 in timm's.
    """
    return DarkNet53(width, slope)
