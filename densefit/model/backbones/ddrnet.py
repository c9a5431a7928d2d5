"""DDRNet-23-slim (Hong et al. 2021, arXiv 2101.06085): two branches that exchange their maps.

One stays at stride 8, the other goes down to stride 32.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from densefit.model.activation import activate
from densefit.model.backbones.backbone import Backbone, backbones
from densefit.model.heads.features import AuxiliaryMap, Features
from densefit.model.layers import conv, conv_bn, upsample
from densefit.model.normalization import normalize
from densefit.symbol import sym

BLOCKS = 2  # of a stage


class DDRNet(Backbone):
    """Both branches down to stride 32; the decoder "ddrnet" has the stage of stride 64 behind them.

    The map of stride 8 is that of the branch with high resolution, the deeper ones are the other
    branch's. No stride is replaced at a smaller output stride: deeper maps are enlarged and stacked
    on the map at that stride, as by HRNet.

    Args:
        width: channels of the stem; 32 in DDRNet-23-slim, 64 in DDRNet-23.
    """

    name = "ddrnet23_slim"

    def __init__(self, width: int = 32) -> None:
        self.width = width

    def maps(self, x: Any, output_stride: int) -> dict[int, tuple[Any, int]]:
        """See `Backbone.maps`; at an input whose sizes are multiples of 32."""
        return self.maps_at(x, output_stride, (32, 32))

    def maps_at(
        self, x: Any, output_stride: int, input_size: tuple[int, int]
    ) -> dict[int, tuple[Any, int]]:
        """See `Backbone.maps_at`."""
        width, name = self.width, self.name
        for number in (1, 2):
            x = conv(x, f"{name}_stem{number}", width, stride=2, bias=True)
            x = normalize(x, f"{name}_stem{number}_bn", width)
            x = activate(x, "relu", f"{name}_stem{number}")
        first = self._rectified_stage(x, "stage1", width, 1)
        second = self._rectified_stage(first, "stage2", 2 * width, 2)
        low = self._stage(second, "stage3", 4 * width, 2)
        high = self._stage(second, "stage3_high", 2 * width, 1)
        low, high = self._exchanged(low, high, 3, 4 * width, input_size)
        third = activate(low, "relu", f"{name}_exchange3_low")
        high = activate(high, "relu", f"{name}_exchange3_high")
        low = self._stage(third, "stage4", 8 * width, 2)
        high = self._stage(high, "stage4_high", 2 * width, 1)
        low, high = self._exchanged(low, high, 4, 8 * width, input_size)
        high = activate(high, "relu", f"{name}_exchange4_high")
        maps = {
            4: (first, width),
            8: (bottleneck(high, f"{name}_stage5_high", 2 * width), 4 * width),
            16: (third, 4 * width),
            32: (activate(low, "relu", f"{name}_exchange4_low"), 8 * width),
        }
        return _stacked(maps, output_stride, input_size)

    def features(self, data: Any, input_size: tuple[int, int], output_stride: int) -> Features:
        """See `Backbone.features`; an auxiliary head learns from the first exchange's high map."""
        features = super().features(data, input_size, output_stride)
        internals = features.maps[8].get_internals()
        exchanged = internals[f"{self.name}_exchange3_output"]
        return replace(features, auxiliary=AuxiliaryMap(8, exchanged, 2 * self.width))

    def _rectified_stage(self, x: Any, name: str, channels: int, stride: int) -> Any:
        x = self._stage(x, name, channels, stride)
        return activate(x, "relu", f"{self.name}_{name}")

    def _stage(self, x: Any, name: str, channels: int, stride: int) -> Any:
        """Basic blocks, the last without its ReLU."""
        for block in range(BLOCKS):
            prefix = f"{self.name}_{name}_{block}"
            shortcut = x
            if block == 0 and stride > 1:
                shortcut = conv_bn(
                    x, f"{prefix}_shortcut", channels, 1, stride=stride, activation=None
                )
            y = conv_bn(x, f"{prefix}_conv1", channels, stride=1 if block else stride)
            y = conv_bn(y, f"{prefix}_conv2", channels, activation=None)
            x = y + shortcut
            if block < BLOCKS - 1:
                x = activate(x, "relu", prefix)
        return x

    def _exchanged(
        self, low: Any, high: Any, stage: int, channels: int, input_size: tuple[int, int]
    ) -> tuple[Any, Any]:
        """Add each branch to the other, at its stride and with its channels; neither is rectified.

        Args:
            low: sum of the last block at stride 2**(stage + 1).
            high: sum of the last block at stride 8.
            stage: 3 or 4.
            channels: of `low`.
            input_size: (height, width) of the image.
        """
        name, factor = f"{self.name}_exchange{stage}", 2 ** (stage - 2)
        down = activate(high, "relu", f"{name}_down")
        for step in range(stage - 2):
            is_last = step == stage - 3
            to = channels if is_last else channels // 2
            kind = None if is_last else "relu"
            down = conv_bn(down, f"{name}_down{step}", to, stride=2, activation=kind)
        up = activate(low, "relu", f"{name}_up")
        up = conv_bn(up, f"{name}_up", 2 * self.width, kernel=1, activation=None)
        up = upsample(up, factor, _size(input_size, 8 * factor), _size(input_size, 8))
        return low + down, sym.elemwise_add(high, up, name=name)


def bottleneck(x: Any, name: str, channels: int, stride: int = 1) -> Any:
    """A bottleneck block to twice as many channels, with a projection and without its last ReLU."""
    shortcut = conv_bn(x, f"{name}_shortcut", 2 * channels, 1, stride=stride, activation=None)
    x = conv_bn(x, f"{name}_conv1", channels, kernel=1)
    x = conv_bn(x, f"{name}_conv2", channels, stride=stride)
    return conv_bn(x, f"{name}_conv3", 2 * channels, kernel=1, activation=None) + shortcut


def _stacked(
    maps: dict[int, tuple[Any, int]], output_stride: int, input_size: tuple[int, int]
) -> dict[int, tuple[Any, int]]:
    """The maps down to a stride, with the deeper ones stacked on the last."""
    shallow = {stride: maps[stride] for stride in maps if stride < output_stride}
    deeper = [stride for stride in maps if stride >= output_stride]
    size = _size(input_size, output_stride)
    stacked = [
        upsample(maps[stride][0], stride // output_stride, _size(input_size, stride), size)
        for stride in deeper
    ]
    x = stacked[0] if len(stacked) == 1 else sym.concat(*stacked, dim=1)
    return {**shallow, output_stride: (x, sum(maps[stride][1] for stride in deeper))}


def _size(input_size: tuple[int, int], stride: int) -> tuple[int, int]:
    height, width = (-(-side // stride) for side in input_size)
    return height, width


@backbones.register("ddrnet23_slim")
def ddrnet23_slim(width: int = 32) -> Backbone:
    """DDRNet-23-slim; with the decoder "ddrnet" 5.7 M parameters, 36.3 G multiply-adds (2048x1024).

    Args:
        width: channels of the stem; stages have 1, 2, 4 and 8 times as many.
    """
    return DDRNet(width)
