"""MobileNetV3 small and large (Howard et al. 2019): squeeze-and-excitation and hard-swish."""

from __future__ import annotations

from typing import Any

from densefit.model.backbones.backbone import Backbone, backbones
from densefit.model.backbones.mobilenet import whole_channels
from densefit.model.backbones.squeeze_excitation import squeeze_excite
from densefit.model.backbones.strides import Strides
from densefit.model.layers import conv_bn

# kernel, inner channels, channels, squeeze-and-excitation, activation, stride: tables 1 and 2
LARGE = (
    (3, 16, 16, False, "relu", 1),
    (3, 64, 24, False, "relu", 2),
    (3, 72, 24, False, "relu", 1),
    (5, 72, 40, True, "relu", 2),
    (5, 120, 40, True, "relu", 1),
    (5, 120, 40, True, "relu", 1),
    (3, 240, 80, False, "hard_swish", 2),
    (3, 200, 80, False, "hard_swish", 1),
    (3, 184, 80, False, "hard_swish", 1),
    (3, 184, 80, False, "hard_swish", 1),
    (3, 480, 112, True, "hard_swish", 1),
    (3, 672, 112, True, "hard_swish", 1),
    (5, 672, 160, True, "hard_swish", 2),
    (5, 960, 160, True, "hard_swish", 1),
    (5, 960, 160, True, "hard_swish", 1),
)
SMALL = (
    (3, 16, 16, True, "relu", 2),
    (3, 72, 24, False, "relu", 2),
    (3, 88, 24, False, "relu", 1),
    (5, 96, 40, True, "hard_swish", 2),
    (5, 240, 40, True, "hard_swish", 1),
    (5, 240, 40, True, "hard_swish", 1),
    (5, 120, 48, True, "hard_swish", 1),
    (5, 144, 48, True, "hard_swish", 1),
    (5, 288, 96, True, "hard_swish", 2),
    (5, 576, 96, True, "hard_swish", 1),
    (5, 576, 96, True, "hard_swish", 1),
)
EPS = 1e-3


class MobileNetV3(Backbone):
    """MobileNetV3 with its last 1x1 convolution, without the classifier behind the pooling.

    Args:
        name: prefix of the parameters.
        blocks: LARGE or SMALL.
        multiplier: scales every layer's channels.
    """

    def __init__(self, name: str, blocks: tuple[Any, ...], multiplier: float = 1.0) -> None:
        self.name, self.blocks, self.multiplier = name, blocks, multiplier

    def maps(self, x: Any, output_stride: int) -> dict[int, tuple[Any, int]]:
        """See `Backbone.maps`."""
        channels = whole_channels(16 * self.multiplier)
        x = conv_bn(x, f"{self.name}_stem", channels, stride=2, activation="hard_swish", eps=EPS)
        maps = {}
        strides = Strides(output_stride, stride=2)
        for number, (kernel, inner, out, has_se, activation, step) in enumerate(self.blocks):
            stride, dilation = strides.enter(step)
            outputs = whole_channels(out * self.multiplier)
            y = self._block(
                x,
                f"{self.name}_block{number}",
                (channels, whole_channels(inner * self.multiplier), outputs),
                kernel=kernel,
                stride=stride,
                dilation=dilation,
                has_se=has_se,
                activation=activation,
            )
            x = x + y if step == 1 and channels == outputs else y
            channels = outputs
            maps[strides.stride] = (x, channels)
        channels *= 6
        x = conv_bn(x, f"{self.name}_last", channels, 1, activation="hard_swish", eps=EPS)
        maps[strides.stride] = (x, channels)
        return {stride: features for stride, features in maps.items() if stride >= 4}

    @staticmethod
    def _block(
        x: Any,
        name: str,
        channels: tuple[int, int, int],
        *,
        kernel: int,
        stride: int,
        dilation: int,
        has_se: bool,
        activation: str,
    ) -> Any:
        """An inverted residual; channels of its input, inside and of its output."""
        inputs, inner, outputs = channels
        settings = {"activation": activation, "eps": EPS}
        if inner != inputs:
            x = conv_bn(x, f"{name}_expand", inner, kernel=1, **settings)
        x = conv_bn(
            x,
            f"{name}_depthwise",
            inner,
            kernel,
            stride=stride,
            dilation=dilation,
            groups=inner,
            **settings,
        )
        if has_se:
            squeezed = whole_channels(inner // 4)
            x = squeeze_excite(x, f"{name}_se", inner, squeezed, gate="hard_sigmoid")
        return conv_bn(x, f"{name}_project", outputs, kernel=1, activation=None, eps=EPS)


@backbones.register("mobilenetv3_large")
def mobilenetv3_large(multiplier: float = 1.0) -> Backbone:
    """MobileNetV3 large: 3.0 M parameters, 0.22 G multiply-adds at 224x224.

    Args:
        multiplier: scales every layer's channels.
    """
    return MobileNetV3("mobilenetv3_large", LARGE, multiplier)


@backbones.register("mobilenetv3_small")
def mobilenetv3_small(multiplier: float = 1.0) -> Backbone:
    """MobileNetV3 small: 0.9 M parameters, 0.06 G multiply-adds at 224x224.

    Args:
        multiplier: scales every layer's channels.
    """
    return MobileNetV3("mobilenetv3_small", SMALL, multiplier)
