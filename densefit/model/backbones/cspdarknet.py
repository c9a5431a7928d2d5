"""YOLOX's CSPDarknet (Ge et al. 2021), of the size s.

Half of a stage's channels pass its blocks, half pass by (Wang et al. 2020, CSPNet); the stem
stacks the four cells of 2x2, and the deepest map is pooled at several sizes (He et al. 2015, SPP).
"""

from __future__ import annotations

from functools import partial
from typing import Any

from densefit.model.backbones.backbone import Backbone, backbones
from densefit.model.backbones.strides import Strides
from densefit.model.layers import conv_bn
from densefit.symbol import sym

#: Blocks of the stages at strides 4 to 32; each has twice the channels of the one before.
BLOCKS = (1, 3, 3, 1)
POOLS = (5, 9, 13)

_conv = partial(conv_bn, activation="swish", eps=1e-3)


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
        x = _conv(_stacked(x, input_size), f"{self.name}_stem", self.width)
        maps = {}
        strides, channels = Strides(output_stride, stride=2), self.width
        for stage, blocks in enumerate(BLOCKS):
            stride, dilation = strides.enter(2)
            channels *= 2
            name = f"{self.name}_stage{stage + 1}"
            x = _conv(x, f"{name}_down", channels, stride=stride, dilation=dilation)
            is_last = stage == len(BLOCKS) - 1
            if is_last:
                x = _pooled(x, f"{name}_spp", channels, strides.dilation)
            x = _cross_stage(x, name, channels, blocks, strides.dilation, has_sums=not is_last)
            maps[strides.stride] = (x, channels)
        return maps


def _stacked(x: Any, size: tuple[int, int]) -> Any:
    """(B, 3, H, W) -> (B, 12, H / 2, W / 2): upper left, lower left, upper right, lower right."""
    rows, columns = (n % 2 for n in size)
    if rows or columns:
        x = sym.pad(x, mode="constant", pad_width=(0, 0, 0, 0, 0, rows, 0, columns))
    cells = [
        sym.slice(x, begin=(None, None, row, column), end=(None,) * 4, step=(None, None, 2, 2))
        for column in (0, 1)
        for row in (0, 1)
    ]
    return sym.concat(*cells, dim=1)


def _pooled(x: Any, name: str, channels: int, dilation: int) -> Any:
    """Spatial pyramid pooling; windows cover as much of the image at any output stride."""
    x = _conv(x, f"{name}_conv1", channels // 2, kernel=1)
    maps = [x]
    for size in POOLS:
        reach = size // 2 * dilation
        window = {"kernel": (2 * reach + 1,) * 2, "pad": (reach, reach), "stride": (1, 1)}
        maps.append(sym.Pooling(x, pool_type="max", name=f"{name}_pool{size}", **window))
    return _conv(sym.concat(*maps, dim=1), f"{name}_conv2", channels, kernel=1)


def _cross_stage(
    x: Any, name: str, channels: int, blocks: int, dilation: int, *, has_sums: bool
) -> Any:
    """A stage; whether its blocks are added to their inputs."""
    half = channels // 2
    through = _conv(x, f"{name}_conv1", half, kernel=1)
    past = _conv(x, f"{name}_conv2", half, kernel=1)
    for block in range(blocks):
        y = _conv(through, f"{name}_{block}_conv1", half, kernel=1)
        y = _conv(y, f"{name}_{block}_conv2", half, dilation=dilation)
        through = through + y if has_sums else y
    return _conv(sym.concat(through, past, dim=1), f"{name}_conv3", channels, kernel=1)


@backbones.register("cspdarknet_s")
def cspdarknet_s(width: int = 32) -> Backbone:
    """YOLOX-s's CSPDarknet: 4.2 M parameters, 5.3 G multiply-adds at 640x640.

    Args:
        width: channels of the stem; the stages have 2, 4, 8 and 16 times as many.
    """
    return CSPDarknet(width)
