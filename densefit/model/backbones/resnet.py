"""ResNet-18, -34 and -50 (He et al. 2016), the v1b variant: a bottleneck's stride is in its 3x3."""

from __future__ import annotations

from typing import Any

from densefit.model.backbones.backbone import Backbone, backbones
from densefit.model.layers import conv_bn
from densefit.symbol import sym

LAYOUTS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}


class ResNet(Backbone):
    """A residual network without its classifier.

    Args:
        depth: 18 or 34 (basic blocks), 50 (bottlenecks).
        width: channels of the first stage; 64 in the paper. Halve it for small machines.
    """

    def __init__(self, depth: int, width: int = 64) -> None:
        self.name = f"resnet{depth}"
        self.depth = depth
        self.width = width

    def maps(self, x: Any, output_stride: int) -> dict[int, tuple[Any, int]]:
        """See `Backbone.maps`."""
        x = conv_bn(x, f"{self.name}_stem", self.width, kernel=7, stride=2)
        x = sym.Pooling(
            x, kernel=(3, 3), stride=(2, 2), pad=(1, 1), pool_type="max", name=f"{self.name}_pool"
        )
        maps = {}
        stride, dilation = 4, 1
        for stage, blocks in enumerate(LAYOUTS[self.depth]):
            step = 1 if stage == 0 else 2
            first_dilation = dilation
            if step == 2 and stride >= output_stride:
                step, dilation = 1, dilation * 2
            stride *= step
            channels = self.width * 2**stage * (4 if self.depth == 50 else 1)
            for block in range(blocks):
                x = self._block(
                    x,
                    f"{self.name}_layer{stage + 1}_{block}",
                    channels,
                    stride=step if block == 0 else 1,
                    dilation=first_dilation if block == 0 else dilation,
                    project=block == 0 and (stage > 0 or self.depth == 50),
                )
            maps[stride] = (x, channels)
        return maps

    def _block(
        self, x: Any, name: str, channels: int, *, stride: int, dilation: int, project: bool
    ) -> Any:
        shortcut = x
        if project:
            shortcut = conv_bn(x, f"{name}_shortcut", channels, kernel=1, stride=stride, relu=None)
        if self.depth == 50:
            inner = channels // 4
            x = conv_bn(x, f"{name}_conv1", inner, kernel=1)
            x = conv_bn(x, f"{name}_conv2", inner, stride=stride, dilation=dilation)
            x = conv_bn(x, f"{name}_conv3", channels, kernel=1, relu=None)
        else:
            x = conv_bn(x, f"{name}_conv1", channels, stride=stride, dilation=dilation)
            x = conv_bn(x, f"{name}_conv2", channels, dilation=dilation, relu=None)
        return sym.Activation(x + shortcut, act_type="relu", name=f"{name}_out")


@backbones.register("resnet18")
def resnet18(width: int = 64) -> Backbone:
    """ResNet-18: 11.2 M parameters, 1.8 G multiply-adds at 224x224.

    Args:
        width: channels of the stem; the stages have 1, 2, 4 and 8 times as many.
    """
    return ResNet(18, width)


@backbones.register("resnet34")
def resnet34(width: int = 64) -> Backbone:
    """ResNet-34: 21.3 M parameters, 3.7 G multiply-adds at 224x224.

    Args:
        width: channels of the stem; the stages have 1, 2, 4 and 8 times as many.
    """
    return ResNet(34, width)


@backbones.register("resnet50")
def resnet50(width: int = 64) -> Backbone:
    """ResNet-50 v1b: 23.5 M parameters, 4.1 G multiply-adds at 224x224.

    Args:
        width: channels of the stem; the stages have 4, 8, 16 and 32 times as many.
    """
    return ResNet(50, width)
