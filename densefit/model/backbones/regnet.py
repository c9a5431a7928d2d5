"""RegNetY-400MF (Radosavovic et al. 2020): bottlenecks of groups with squeeze-and-excitation."""

from __future__ import annotations

from typing import Any

from densefit.model.activation import activate
from densefit.model.backbones.backbone import Backbone, backbones
from densefit.model.backbones.mobilenet import whole_channels
from densefit.model.backbones.squeeze_excitation import squeeze_excite
from densefit.model.backbones.strides import Strides
from densefit.model.layers import conv_bn

#: (channels, blocks) of each stage, and channels of a group.
STAGES = ((48, 1), (104, 3), (208, 6), (440, 6))
GROUP = 8


class RegNetY(Backbone):
    """RegNetY-400MF without its classifier.

    Args:
        multiplier: scales every layer's channels, to multiples of a group's.
    """

    name = "regnety_400mf"

    def __init__(self, multiplier: float = 1.0) -> None:
        self.multiplier = multiplier

    def maps(self, x: Any, output_stride: int) -> dict[int, tuple[Any, int]]:
        """See `Backbone.maps`."""
        channels = whole_channels(32 * self.multiplier, GROUP)
        x = conv_bn(x, f"{self.name}_stem", channels, stride=2)
        maps = {}
        strides = Strides(output_stride, stride=2)
        for stage, (width, blocks) in enumerate(STAGES):
            stride, dilation = strides.enter(2)
            outputs = whole_channels(width * self.multiplier, GROUP)
            for block in range(blocks):
                name = f"{self.name}_stage{stage + 1}_{block}"
                shortcut = x
                if block == 0:
                    shortcut = conv_bn(
                        x, f"{name}_shortcut", outputs, 1, stride=stride, activation=None
                    )
                # The squeezed channels are a quarter of those of the block's input.
                x = self._residual(x, name, outputs, channels // 4, stride, dilation)
                x = activate(x + shortcut, "relu", name)
                channels, stride, dilation = outputs, 1, strides.dilation
            maps[strides.stride] = (x, channels)
        return maps

    @staticmethod
    def _residual(
        x: Any, name: str, channels: int, squeezed: int, stride: int, dilation: int
    ) -> Any:
        x = conv_bn(x, f"{name}_conv1", channels, kernel=1)
        settings = {"stride": stride, "dilation": dilation, "groups": channels // GROUP}
        x = conv_bn(x, f"{name}_conv2", channels, **settings)
        x = squeeze_excite(x, f"{name}_se", channels, squeezed)
        return conv_bn(x, f"{name}_conv3", channels, kernel=1, activation=None)


@backbones.register("regnety_400mf")
def regnety_400mf(multiplier: float = 1.0) -> Backbone:
    """RegNetY-400MF: 3.9 M parameters, 0.4 G multiply-adds at 224x224.

    Args:
        multiplier: scales every layer's channels, to multiples of 8.
    """
    return RegNetY(multiplier)
