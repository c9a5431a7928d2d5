"""YOLOX's CSPDarknet (Ge et al. 2021), of the size s.

Half of a stage's channels pass its blocks, half pass by (Wang et al. 2020, CSPNet); the stem
stacks the four cells of 2x2, and the deepest map is pooled at several sizes (He et al. 2015, SPP).
"""

from __future__ import annotations

from typing import Any

from densefit.model.backbones.backbone import Backbone, backbones
from densefit.model.backbones.strides import Strides
from densefit.model.cross_stage import cross_stage, joined, swish_conv
from densefit.symbol import sym

#: Blocks of the stages at strides 4 to 32; each has twice the channels of the one before.
BLOCKS = (1, 3, 3, 1)


class CSPDarknet(Backbone):
    """YOLOX's backbone.

    Args:
        width: channels of the stem; 32 in YOLOX-s.
    """

    name = "cspdarknet_s"

    def __init__(self, width: int = 32) -> None:
        self.width = width

    def maps(self, x: Any, output_stride: int) -> dict[int, tuple[Any, int]]:
        """See `Backbone.maps`; at an input of even sizes."""
        return self.maps_at(x, output_stride, (32, 32))

    def maps_at(
        self, x: Any, output_stride: int, input_size: tuple[int, int]
    ) -> dict[int, tuple[Any, int]]:
        """See `Backbone.maps_at`; odd sizes are padded by a cell of zeros."""
        x = swish_conv(_stacked(x, input_size), f"{self.name}_stem", self.width)
        maps = {}
        strides, channels = Strides(output_stride, stride=2), self.width
        for stage, blocks in enumerate(BLOCKS):
            stride, dilation = strides.enter(2)
            channels *= 2
            name = f"{self.name}_stage{stage + 1}"
            x = swish_conv(x, f"{name}_down", channels, stride=stride, dilation=dilation)
            is_last = stage == len(BLOCKS) - 1
            if is_last:
                x = _pooled(x, f"{name}_spp", channels, strides.dilation)
            x = cross_stage(
                x, name, channels, blocks, dilation=strides.dilation, has_sums=not is_last
            )
            maps[strides.stride] = (x, channels)
        return maps


def _stacked(x: Any, size: tuple[int, int]) -> Any:
    """(B, 3, H, W) -> (B, 12, H / 2, W / 2): upper left, lower left, upper right, lower right."""
    rows, columns = (n % 2 for n in size)
    if rows or columns:
        x = sym.pad(x, mode="constant", pad_width=(0, 0, 0, 0, 0, rows, 0, columns))
    x = sym.reshape(x, shape=(0, 0, -4, -1, 2, -4, -1, 2))  # batch, channel, row, 2, column, 2
    x = sym.transpose(x, axes=(0, 5, 3, 1, 2, 4))
    return sym.reshape(sym.reshape(x, shape=(0, -3, -2)), shape=(0, -3, -2))


def _pooled(x: Any, name: str, channels: int, dilation: int) -> Any:
    """Spatial pyramid pooling; windows cover as much of the image at any output stride.

    The maxima of 5x5, 9x9 and 13x13 cells are those of 5x5, once, twice and three times.
    """
    x = swish_conv(x, f"{name}_conv1", channels // 2, kernel=1)
    maps = [x]
    reach = 2 * dilation
    for number in range(3):
        x = sym.Pooling(
            x,
            kernel=(2 * reach + 1,) * 2,
            pad=(reach, reach),
            stride=(1, 1),
            pool_type="max",
            name=f"{name}_pool{number}",
        )
        maps.append(x)
    return swish_conv(joined(maps), f"{name}_conv2", channels, kernel=1)


@backbones.register("cspdarknet_s")
def cspdarknet_s(width: int = 32) -> Backbone:
    """YOLOX-s's CSPDarknet: 4.2 M parameters, 5.3 G multiply-adds at 640x640.

    Args:
        width: channels of the stem; the stages have 2, 4, 8 and 16 times as many.
    """
    return CSPDarknet(width)
