"""VGG-16 (Simonyan and Zisserman 2015), with and without BatchNorm."""

from __future__ import annotations

from typing import Any

from densefit.model.activation import activate
from densefit.model.backbones.backbone import Backbone, backbones
from densefit.model.backbones.strides import Strides
from densefit.model.layers import conv
from densefit.model.normalization import normalize
from densefit.symbol import sym

#: (convolutions, channels as a multiple of the width) of each stage: configuration D.
STAGES = ((2, 1), (2, 2), (3, 4), (3, 8), (3, 8))


class VGG16(Backbone):
    """VGG-16 without its classifier.

    The maps are the last convolutions before each pooling, and at stride 32 the last pooling, or
    fc7 of the reduced network. Pooling rounds sizes up.

    Args:
        width: channels of the first stage; 64 in the paper.
        has_bn: whether each convolution has a normalization, too.
        is_reduced: whether fc6 and fc7 are there, as a dilated and a 1x1 convolution (Chen et al.
            2015, DeepLab; Liu et al. 2016, SSD). fc6 is dilated by 6 at stride 16, as in SSD.
    """

    def __init__(self, width: int = 64, *, has_bn: bool = False, is_reduced: bool = False) -> None:
        self.name = "vgg16_bn" if has_bn else "vgg16"
        self.width, self.has_bn, self.is_reduced = width, has_bn, is_reduced

    def maps(self, x: Any, output_stride: int) -> dict[int, tuple[Any, int]]:
        """See `Backbone.maps`; at an input whose sizes are odd nowhere."""
        return self.maps_at(x, output_stride, (32, 32))

    def maps_at(
        self, x: Any, output_stride: int, input_size: tuple[int, int]
    ) -> dict[int, tuple[Any, int]]:
        """See `Backbone.maps_at`."""
        maps = {}
        strides, channels = Strides(output_stride), self.width
        for stage, (layers, factor) in enumerate(STAGES):
            if stage > 0:
                x = _max(x, f"{self.name}_pool{stage}", 2, strides, input_size)
            channels = self.width * factor
            for layer in range(layers):
                name = f"{self.name}_stage{stage + 1}_{layer}"
                x = self._conv(x, name, channels, dilation=strides.dilation)
            maps[strides.stride] = (x, channels)
        if self.is_reduced:
            x = _max(x, f"{self.name}_pool5", 3, strides, input_size)
            channels = 16 * self.width
            x = self._conv(x, f"{self.name}_fc6", channels, dilation=3 * strides.dilation)
            x = self._conv(x, f"{self.name}_fc7", channels, kernel=1)
            maps[strides.stride] = (x, channels)
        elif strides.stride < output_stride:
            maps[32] = (_max(x, f"{self.name}_pool5", 2, strides, input_size), channels)
        return {stride: features for stride, features in maps.items() if stride >= 4}

    def _conv(self, x: Any, name: str, channels: int, **settings: Any) -> Any:
        x = conv(x, name, channels, bias=True, **settings)
        if self.has_bn:  # beside a bias, as in torchvision's weights
            x = normalize(x, f"{name}_bn", channels)
        return activate(x, "relu", name)


def _max(x: Any, name: str, kernel: int, strides: Strides, input_size: tuple[int, int]) -> Any:
    """Enter a pooling of 2x2 or 3x3 cells: in steps of 2, or of cells that are dilated.

    Zeros beyond the map change no maximum: x is what a ReLU returns.
    """
    odd = [-(-size // strides.stride) % 2 for size in input_size]
    stride, dilation = strides.enter(2)
    if stride > 1 or dilation == 1:
        if kernel == 2 and (stride == 1 or any(odd)):
            rows, columns = odd if stride > 1 else (1, 1)
            x = sym.pad(x, mode="constant", pad_width=(0, 0, 0, 0, 0, rows, 0, columns))
        pad = (1, 1) if kernel == 3 else (0, 0)
        window = {"kernel": (kernel, kernel), "stride": (stride, stride), "pad": pad}
        return sym.Pooling(x, pool_type="max", name=name, **window)
    before, after = (dilation, dilation) if kernel == 3 else (0, dilation)
    span = before + after
    x = sym.pad(x, mode="constant", pad_width=(0, 0, 0, 0, before, after, before, after))
    for axis in (2, 3):
        first, *beyond = (
            sym.slice_axis(x, axis=axis, begin=start, end=start - span or None)
            for start in range(0, span + 1, dilation)
        )
        x = first
        for cells in beyond:
            x = sym.broadcast_maximum(x, cells)
    return x


@backbones.register("vgg16")
def vgg16(width: int = 64, reduced: bool = False) -> Backbone:
    """VGG-16: 14.7 M parameters (20.5 M with reduced fc6 and fc7), 15.3 G multiply-adds at 224x224.

    Args:
        width: channels of the first stage; the others have 2, 4, 8 and 8 times as many.
        reduced: whether the deepest map is fc7, as in SSD; else the last pooling.
    """
    return VGG16(width, is_reduced=reduced)


@backbones.register("vgg16_bn")
def vgg16_bn(width: int = 64, reduced: bool = False) -> Backbone:
    """VGG-16 with BatchNorm: as large as vgg16.

    Args:
        width: channels of the first stage; the others have 2, 4, 8 and 8 times as many.
        reduced: whether the deepest map is fc7, as in SSD; else the last pooling.
    """
    return VGG16(width, has_bn=True, is_reduced=reduced)
