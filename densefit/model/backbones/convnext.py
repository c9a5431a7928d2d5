"""ConvNeXt-Tiny (Liu et al. 2022): depthwise 7x7 convolutions, LayerNorm, GELU, layer scale."""

from __future__ import annotations

from typing import Any

from densefit.model.activation import activate
from densefit.model.backbones.backbone import Backbone, backbones
from densefit.model.backbones.stochastic_depth import drop_residual
from densefit.model.backbones.strides import Strides
from densefit.model.layers import conv
from densefit.symbol import init, sym

#: Blocks of each stage; each has twice the channels of the one before.
BLOCKS = (3, 3, 9, 3)
LAYER_SCALE = 1e-6  # before training


class ConvNeXt(Backbone):
    """ConvNeXt-Tiny without its classifier and the normalization before it.

    Its normalizations are LayerNorms, whatever the setting `normalization` says.

    Args:
        width: channels of the first stage; 96 in the paper.
        stochastic_depth: probability that training drops the last residual; the others by depth.
    """

    name = "convnext_tiny"

    def __init__(self, width: int = 96, stochastic_depth: float = 0.1) -> None:
        self.width, self.stochastic_depth = width, stochastic_depth

    def maps(self, x: Any, output_stride: int) -> dict[int, tuple[Any, int]]:
        """See `Backbone.maps`; at an input whose sizes are multiples of 32."""
        return self.maps_at(x, output_stride, (32, 32))

    def maps_at(
        self, x: Any, output_stride: int, input_size: tuple[int, int]
    ) -> dict[int, tuple[Any, int]]:
        """See `Backbone.maps_at`; sizes that are no multiples are padded to the next."""
        x = _padded(x, [-size % 4 for size in input_size])
        x = conv(x, f"{self.name}_stem", self.width, kernel=4, stride=4, pad=0, bias=True)
        x = _channels_second(_layer_norm(_channels_last(x), f"{self.name}_stem_norm"))
        maps = {}
        strides, count = Strides(output_stride, stride=4), 0
        for stage, blocks in enumerate(BLOCKS):
            channels = self.width * 2**stage
            if stage > 0:
                x = self._shrunk(
                    x, f"{self.name}_stage{stage + 1}_down", channels, strides, input_size
                )
            for block in range(blocks):
                probability = self.stochastic_depth * count / (sum(BLOCKS) - 1)
                name = f"{self.name}_stage{stage + 1}_{block}"
                y = self._residual(x, name, channels, strides.dilation)
                x = x + drop_residual(y, name, probability)
                count += 1
            maps[strides.stride] = (x, channels)
        return maps

    @staticmethod
    def _shrunk(
        x: Any, name: str, channels: int, strides: Strides, input_size: tuple[int, int]
    ) -> Any:
        """LayerNorm and a 2x2 convolution with a stride of 2, or of cells that are dilated."""
        odd = [-(-size // strides.stride) % 2 for size in input_size]
        stride, dilation = strides.enter(2)
        x = _channels_second(_layer_norm(_channels_last(x), f"{name}_norm"))
        x = _padded(x, odd if stride > 1 else [dilation, dilation])
        settings = {"stride": stride, "dilation": dilation if stride == 1 else 1}
        return conv(x, name, channels, kernel=2, pad=0, bias=True, **settings)

    @staticmethod
    def _residual(x: Any, name: str, channels: int, dilation: int) -> Any:
        settings = {"dilation": dilation, "groups": channels, "bias": True}
        x = conv(x, f"{name}_depthwise", channels, kernel=7, **settings)
        x = _layer_norm(_channels_last(x), f"{name}_norm")
        x = _dense(x, f"{name}_fc1", 4 * channels)
        x = _dense(activate(x, "gelu", f"{name}_fc1"), f"{name}_fc2", channels)
        scale = sym.Variable(f"{name}_scale", shape=(channels,), init=init.Constant(LAYER_SCALE))
        x = sym.broadcast_mul(x, sym.reshape(scale, shape=(1, 1, 1, channels)))
        return _channels_second(x)


def _channels_last(x: Any) -> Any:
    return sym.transpose(x, axes=(0, 2, 3, 1))


def _channels_second(x: Any) -> Any:
    return sym.transpose(x, axes=(0, 3, 1, 2))


def _layer_norm(x: Any, name: str) -> Any:
    return sym.LayerNorm(x, axis=-1, eps=1e-6, name=name)


def _dense(x: Any, name: str, channels: int) -> Any:
    return sym.FullyConnected(x, num_hidden=channels, flatten=False, name=name)


def _padded(x: Any, cells: list[int]) -> Any:
    """Zeros below and to the right of (B, C, H, W)."""
    if not any(cells):
        return x
    return sym.pad(x, mode="constant", pad_width=(0, 0, 0, 0, 0, cells[0], 0, cells[1]))


@backbones.register("convnext_tiny")
def convnext_tiny(width: int = 96, stochastic_depth: float = 0.1) -> Backbone:
    """ConvNeXt-Tiny: 27.8 M parameters, 4.5 G multiply-adds at 224x224.

    Args:
        width: channels of the first stage; the others have 2, 4 and 8 times as many.
        stochastic_depth: probability that training drops the last block's residual; it grows from
            0 at the first block.
    """
    return ConvNeXt(width, stochastic_depth)
