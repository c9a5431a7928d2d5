"""ResNet v2 (He et al. 2016, "Identity mappings"): normalization and ReLU before convolutions.

As in MXNet's model zoo: the image is normalized by a BatchNorm without scale and shift first, and a
bottleneck's stride is in its 3x3 convolution.
"""

from __future__ import annotations

from typing import Any

from densefit.model.activation import activate
from densefit.model.backbones.backbone import Backbone, backbones
from densefit.model.backbones.resnet import LAYOUTS
from densefit.model.backbones.strides import Strides
from densefit.model.layers import conv
from densefit.model.normalization import normalize
from densefit.symbol import init, sym


class ResNetV2(Backbone):
    """A residual network of pre-activated blocks, without its classifier.

    Maps are sums, as blocks read them; the deepest is normalized and rectified, as the classifier
    reads it.

    Args:
        depth: 18 or 34 (basic blocks), 50, 101 or 152 (bottlenecks).
        width: channels of the stem; 64 in the paper.
    """

    def __init__(self, depth: int, width: int = 64) -> None:
        self.name = f"resnet{depth}_v2"
        self.depth, self.width = depth, width

    def maps(self, x: Any, output_stride: int) -> dict[int, tuple[Any, int]]:
        """See `Backbone.maps`."""
        x = self._stem(x)
        maps = {}
        strides, channels = Strides(output_stride, stride=4), self.width
        for stage, blocks in enumerate(LAYOUTS[self.depth]):
            step, dilation = strides.enter(1 if stage == 0 else 2)
            outputs = self.width * 2**stage * self.expansion
            for block in range(blocks):
                name = f"{self.name}_layer{stage + 1}_{block}"
                shortcut, x = x, _activated(x, f"{name}_bn1", channels)
                if channels != outputs:
                    shortcut = conv(x, f"{name}_shortcut", outputs, kernel=1, stride=step)
                x = self._residual(x, name, outputs, step, (dilation, strides.dilation)) + shortcut
                step, dilation, channels = 1, strides.dilation, outputs
            maps[strides.stride] = (x, channels)
        last = _activated(x, f"{self.name}_final_bn", channels)
        return {**maps, strides.stride: (last, channels)}

    @property
    def expansion(self) -> int:
        """Channels of a block's result, as a multiple of its inner channels."""
        return 4 if self.depth >= 50 else 1

    def _stem(self, x: Any) -> Any:
        name = f"{self.name}_stem"
        # Its shift stays 0, as in the model zoo. Its scale is fixed, but no constant: MXNet writes
        # the moving statistics of a layer only where a gradient passes.
        beta = sym.Variable(f"{name}_data_bn_beta", init=init.Zero(), shape=(3,))
        x = sym.BatchNorm(
            x, beta=sym.BlockGrad(beta), fix_gamma=True, eps=1e-5, name=f"{name}_data_bn"
        )
        x = _activated(conv(x, name, self.width, kernel=7, stride=2), f"{name}_bn", self.width)
        return sym.Pooling(
            x, kernel=(3, 3), stride=(2, 2), pad=(1, 1), pool_type="max", name=f"{self.name}_pool"
        )

    def _residual(
        self, x: Any, name: str, channels: int, stride: int, dilations: tuple[int, int]
    ) -> Any:
        """The convolutions of a block; dilations of its layer with the stride, and behind it."""
        first, rest = dilations
        inner = channels // self.expansion
        if self.expansion == 1:
            x = conv(x, f"{name}_conv1", channels, stride=stride, dilation=first)
            x = _activated(x, f"{name}_bn2", channels)
            return conv(x, f"{name}_conv2", channels, dilation=rest)
        x = conv(x, f"{name}_conv1", inner, kernel=1)
        x = _activated(x, f"{name}_bn2", inner)
        x = conv(x, f"{name}_conv2", inner, stride=stride, dilation=first)
        x = _activated(x, f"{name}_bn3", inner)
        return conv(x, f"{name}_conv3", channels, kernel=1)


def _activated(x: Any, name: str, channels: int) -> Any:
    return activate(normalize(x, name, channels), "relu", name)


def _register(depth: int, size: str) -> None:
    """Register a depth; its docstring is what the reference shows."""

    def make(width: int = 64) -> Backbone:
        return ResNetV2(depth, width)

    make.__doc__ = f"""ResNet-{depth} v2, as in MXNet's model zoo: {size} multiply-adds at 224x224.

    Args:
        width: channels of the stem; those of the stages grow with it.
    """
    make.__qualname__ = f"resnet{depth}_v2"
    backbones.register(f"resnet{depth}_v2")(make)


for _depth, _size in (
    (18, "11.2 M parameters, 1.8 G"),
    (34, "21.3 M parameters, 3.7 G"),
    (50, "23.5 M parameters, 4.1 G"),
    (101, "42.5 M parameters, 7.8 G"),
    (152, "58.1 M parameters, 11.5 G"),
):
    _register(_depth, _size)
