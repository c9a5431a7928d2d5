"""EfficientNet B0 to B3 (Tan and Le 2019) and EfficientNet-Lite0 to Lite2.

Lite (TensorFlow, 2020) has no squeeze-and-excitation, ReLU6, a stem and outer stages that do not
grow, TensorFlow's SAME padding, and other statistics of the image.
"""

from __future__ import annotations

from math import ceil
from typing import Any

from densefit.model.backbones.backbone import Backbone, backbones
from densefit.model.backbones.mobilenet import whole_channels
from densefit.model.backbones.same_padding import same_conv_bn
from densefit.model.backbones.squeeze_excitation import squeeze_excite
from densefit.model.backbones.stochastic_depth import drop_residual
from densefit.model.backbones.strides import Strides
from densefit.model.layers import conv_bn

# expansion, kernel, stride, channels, blocks: table 1 of the paper
STAGES = (
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
)


class EfficientNet(Backbone):
    """An EfficientNet without its last 1x1 convolution and classifier.

    Args:
        name: prefix of the parameters.
        width: factor on channels, of the paper's compound scaling.
        depth: factor on numbers of blocks.
        is_lite: whether it is an EfficientNet-Lite.
        multiplier: scales every layer's channels.
        stochastic_depth: probability that training drops the last residual; the others by depth.
    """

    def __init__(
        self,
        name: str,
        width: float,
        depth: float,
        *,
        is_lite: bool = False,
        multiplier: float = 1.0,
        stochastic_depth: float = 0.0,
    ) -> None:
        self.name, self.is_lite, self.stochastic_depth = name, is_lite, stochastic_depth
        self.width, self.depth, self.multiplier = width, depth, multiplier
        self._layer: dict[str, Any] = {"activation": "relu6" if is_lite else "swish", "eps": 1e-5}
        if is_lite:
            self.mean, self.std = (127.0,) * 3, (128.0,) * 3
            self._layer["eps"] = 1e-3

    @property
    def layout(self) -> list[tuple[int, int, int, int, int]]:
        """Stages of this size, as in STAGES."""
        last = len(STAGES) - 1
        return [
            (
                *(expansion, kernel, stride),
                whole_channels(whole_channels(channels * self.width) * self.multiplier),
                blocks if self.is_lite and stage in (0, last) else ceil(blocks * self.depth),
            )
            for stage, (expansion, kernel, stride, channels, blocks) in enumerate(STAGES)
        ]

    def maps(self, x: Any, output_stride: int) -> dict[int, tuple[Any, int]]:
        """See `Backbone.maps`; at an input of 224x224."""
        return self.maps_at(x, output_stride, (224, 224))

    def maps_at(
        self, x: Any, output_stride: int, input_size: tuple[int, int]
    ) -> dict[int, tuple[Any, int]]:
        """See `Backbone.maps_at`."""
        stem = 32 if self.is_lite else whole_channels(32 * self.width)
        channels, size = whole_channels(stem * self.multiplier), input_size
        x, size = self._conv(x, f"{self.name}_stem", channels, 3, size, stride=2, **self._layer)
        maps = {}
        strides, count = Strides(output_stride, stride=2), 0
        layout = self.layout
        total = sum(blocks for *_, blocks in layout)
        for stage, (expansion, kernel, step, outputs, blocks) in enumerate(layout):
            stride, dilation = strides.enter(step)
            for block in range(blocks):
                name = f"{self.name}_stage{stage + 1}_{block}"
                y, size = self._residual(
                    x,
                    name,
                    (channels, channels * expansion, outputs),
                    kernel,
                    size,
                    stride=stride,
                    dilation=dilation,
                )
                if block > 0 or (step == 1 and channels == outputs):
                    y = x + drop_residual(y, name, self.stochastic_depth * count / total)
                x, channels, count = y, outputs, count + 1
                stride, dilation = 1, strides.dilation
            maps[strides.stride] = (x, channels)
        return {stride: features for stride, features in maps.items() if stride >= 4}

    def _residual(
        self,
        x: Any,
        name: str,
        channels: tuple[int, int, int],
        kernel: int,
        size: tuple[int, int],
        **settings: Any,
    ) -> tuple[Any, tuple[int, int]]:
        """An inverted residual; channels of its input, inside and of its output."""
        inputs, inner, outputs = channels
        if inner > inputs:
            x = conv_bn(x, f"{name}_expand", inner, 1, **self._layer)
        x, size = self._conv(
            x, f"{name}_depthwise", inner, kernel, size, groups=inner, **settings, **self._layer
        )
        if not self.is_lite:
            x = squeeze_excite(x, f"{name}_se", inner, max(1, inputs // 4), activation="swish")
        linear = {**self._layer, "activation": None}
        return conv_bn(x, f"{name}_project", outputs, 1, **linear), size

    def _conv(
        self,
        x: Any,
        name: str,
        channels: int,
        kernel: int,
        size: tuple[int, int],
        **settings: Any,
    ) -> tuple[Any, tuple[int, int]]:
        """A convolution with the padding of this kind; also the size of its result."""
        if self.is_lite:
            return same_conv_bn(x, name, channels, kernel, size, **settings)
        return conv_bn(x, name, channels, kernel, **settings), size


def _register(name: str, title: str, width: float, depth: float, is_lite: bool) -> None:
    """Register a size; its docstring is what the reference shows."""

    def make(multiplier: float = 1.0, stochastic_depth: float = 0.2) -> Backbone:
        return EfficientNet(
            *(name, width, depth),
            is_lite=is_lite,
            multiplier=multiplier,
            stochastic_depth=stochastic_depth,
        )

    make.__doc__ = f"""{title}.

    Args:
        multiplier: scales every layer's channels.
        stochastic_depth: probability that training drops the last block's residual; it grows from
            0 at the first block.
    """
    make.__qualname__ = name
    backbones.register(name)(make)


for _number, _width, _depth, _b, _lite in (
    (0, 1.0, 1.0, "3.6 M parameters, 0.4 G", "2.9 M parameters, 0.4 G"),
    (1, 1.0, 1.1, "6.1 M parameters, 0.7 G", "3.7 M parameters, 0.6 G"),
    (2, 1.1, 1.2, "7.2 M parameters, 1.0 G", "4.3 M parameters, 0.9 G"),
    (3, 1.2, 1.4, "10.1 M parameters, 1.8 G", ""),
):
    _input = "multiply-adds at {0}x{0}"
    _size = _input.format((224, 240, 288, 300)[_number])
    _register(
        f"efficientnet_b{_number}", f"EfficientNet-B{_number}: {_b} {_size}", _width, _depth, False
    )
    if _lite:
        _size = _input.format((224, 240, 260)[_number])
        _title = f"EfficientNet-Lite{_number}: {_lite} {_size}; image (x - 127) / 128"
        _register(f"efficientnet_lite{_number}", _title, _width, _depth, True)
