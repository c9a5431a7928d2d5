"""ResNet (He et al. 2016) and its variants v1d and ResNeXt, with 18 to 152 layers.

The plain variant is v1b: a bottleneck's stride is in its 3x3 convolution. v1d (He et al. 2019,
"Bag of tricks") has three 3x3 convolutions in the stem, and averages before a shortcut's
convolution. ResNeXt (Xie et al. 2017) has groups in the 3x3 convolution.
"""

from __future__ import annotations

from typing import Any

from densefit.errors import ConfigError
from densefit.model.backbones.backbone import Backbone, backbones
from densefit.model.backbones.strides import Strides
from densefit.model.layers import conv_bn
from densefit.symbol import sym

#: Depth -> blocks of each stage (table 1 of the paper); from 50 on they are bottlenecks.
LAYOUTS = {
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    50: (3, 4, 6, 3),
    101: (3, 4, 23, 3),
    152: (3, 8, 36, 3),
}


class ResNet(Backbone):
    """A residual network without its classifier.

    Args:
        depth: a key of LAYOUTS.
        width: channels of the first stage; 64 in the paper. Halve it for small machines.
        name: prefix of the parameters; by default `resnet<depth>`.
        groups: groups of a bottleneck's 3x3 convolution.
        inner: channels of a bottleneck's 3x3 convolution, as a multiple of the paper's.
        is_deep: whether it is v1d: a deep stem, and shortcuts that average.

    Raises:
        ConfigError: the width does not divide into the groups.
    """

    def __init__(
        self,
        depth: int,
        width: int = 64,
        *,
        name: str | None = None,
        groups: int = 1,
        inner: int = 1,
        is_deep: bool = False,
    ) -> None:
        self.name = name or f"resnet{depth}"
        self.depth, self.width = depth, width
        self.groups, self.inner, self.is_deep = groups, inner, is_deep
        if width * inner % groups:
            raise ConfigError(
                f"The width of {self.name} does not divide into its groups",
                expected=f"a multiple of {groups // inner}",
                received=width,
            )

    @property
    def expansion(self) -> int:
        """Channels of a block's result, as a multiple of its inner channels in the paper."""
        return 4 if self.depth >= 50 else 1

    def maps(self, x: Any, output_stride: int) -> dict[int, tuple[Any, int]]:
        """See `Backbone.maps`."""
        x = self._stem(x)
        maps = {}
        strides = Strides(output_stride, stride=4)
        for stage, blocks in enumerate(LAYOUTS[self.depth]):
            step, dilation = strides.enter(1 if stage == 0 else 2)
            channels = self.width * 2**stage * self.expansion
            for block in range(blocks):
                name = f"{self.name}_layer{stage + 1}_{block}"
                shortcut = x
                if block == 0 and (stage > 0 or self.expansion > 1):
                    shortcut = self._shortcut(
                        x, name, channels, stride=step, dilation=dilation, shrinks=stage > 0
                    )
                x = self._residual(x, name, channels, step, dilation)
                x = sym.Activation(x + shortcut, act_type="relu", name=f"{name}_out")
                step, dilation = 1, strides.dilation
            maps[strides.stride] = (x, channels)
        return maps

    def _stem(self, x: Any) -> Any:
        name = f"{self.name}_stem"
        if self.is_deep:
            x = conv_bn(x, f"{name}1", self.width // 2, stride=2)
            x = conv_bn(x, f"{name}2", self.width // 2)
            x = conv_bn(x, f"{name}3", self.width)
        else:
            x = conv_bn(x, name, self.width, kernel=7, stride=2)
        return sym.Pooling(
            x, kernel=(3, 3), stride=(2, 2), pad=(1, 1), pool_type="max", name=f"{self.name}_pool"
        )

    def _residual(self, x: Any, name: str, channels: int, stride: int, dilation: int) -> Any:
        if self.expansion > 1:
            inner = channels // 4 * self.inner
            x = conv_bn(x, f"{name}_conv1", inner, kernel=1)
            x = conv_bn(
                x, f"{name}_conv2", inner, stride=stride, dilation=dilation, groups=self.groups
            )
            return conv_bn(x, f"{name}_conv3", channels, kernel=1, activation=None)
        x = conv_bn(x, f"{name}_conv1", channels, stride=stride, dilation=dilation)
        return conv_bn(x, f"{name}_conv2", channels, dilation=dilation, activation=None)

    def _shortcut(
        self, x: Any, name: str, channels: int, *, stride: int, dilation: int, shrinks: bool
    ) -> Any:
        if self.is_deep and shrinks:
            x, stride = average(x, f"{name}_average", stride, dilation), 1
        name = f"{name}_shortcut"
        return conv_bn(x, name, channels, kernel=1, stride=stride, activation=None)


def average(x: Any, name: str, stride: int, dilation: int) -> Any:
    """Average 2x2 cells; `dilation` apart if the stride is 1, and next to each other if it is 2.

    Rows and columns beyond the map repeat its last ones.
    """
    apart = dilation if stride == 1 else 1
    x = sym.pad(x, mode="edge", pad_width=(0, 0, 0, 0, 0, apart, 0, apart))
    if stride > 1:
        return sym.Pooling(x, kernel=(2, 2), stride=(2, 2), pool_type="avg", name=name)
    for axis in (2, 3):
        first = sym.slice_axis(x, axis=axis, begin=0, end=-apart)
        x = (first + sym.slice_axis(x, axis=axis, begin=apart, end=None)) * 0.5
    return x


def _register(name: str, title: str, depth: int, size: str, **variant: Any) -> None:
    """Register a variant; its docstring is what the reference shows."""

    def make(width: int = 64) -> Backbone:
        return ResNet(depth, width, name=name, **variant)

    factor = 4 if depth >= 50 else 1
    times = ", ".join(str(factor * 2**stage) for stage in range(3)) + f" and {factor * 8}"
    make.__doc__ = f"""{title}: {size} multiply-adds at 224x224.

    Args:
        width: channels of the stem; the stages have {times} times as many.
    """
    make.__qualname__ = name
    backbones.register(name)(make)


for _depth, _v1b, _v1d in (
    (18, "11.2 M parameters, 1.8 G", "11.2 M parameters, 2.1 G"),
    (34, "21.3 M parameters, 3.7 G", "21.3 M parameters, 3.9 G"),
    (50, "23.5 M parameters, 4.1 G", "23.5 M parameters, 4.3 G"),
    (101, "42.5 M parameters, 7.8 G", "42.5 M parameters, 8.1 G"),
    (152, "58.1 M parameters, 11.5 G", "58.2 M parameters, 11.8 G"),
):
    _register(f"resnet{_depth}", f"ResNet-{_depth} v1b", _depth, _v1b)
    _register(f"resnet{_depth}d", f"ResNet-{_depth} v1d", _depth, _v1d, is_deep=True)
_register(
    *("resnext50_32x4d", "ResNeXt-50 32x4d", 50, "23.0 M parameters, 4.2 G"), groups=32, inner=2
)
_register(
    *("resnext101_32x8d", "ResNeXt-101 32x8d", 101, "86.7 M parameters, 16.4 G"),
    groups=32,
    inner=4,
)
