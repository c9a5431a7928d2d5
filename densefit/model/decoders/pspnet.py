"""PSPNet: pyramid pooling of the deepest map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from densefit.errors import ConfigError
from densefit.model.decoders.adaptive_pooling import pooled_means, stretched
from densefit.model.decoders.decoder import LOGIT_STRIDE, Decoder, decoders, last_convolution
from densefit.model.heads.head import Features
from densefit.model.layers import conv_bn, upsample
from densefit.numeric import check_whole, real
from densefit.symbol import sym


@decoders.register("pspnet")
class PSPNet(Decoder):
    """PSPNet (Zhao et al., CVPR 2017): means over grids of several sizes, as context.

    The map is averaged over 1x1, 2x2, 3x3 and 6x6 regions; each grid is reduced by a 1x1
    convolution, stretched back and joined to the map. A convolution fuses them, and the
    scores are upsampled to stride 4. As in segmentation_models_pytorch, the fusion is a 1x1
    convolution and the last one is 3x3 (in the paper the other way round).

    Args:
        channels: channels after the fusion; 512 in the paper.
        bins: rows and columns of each grid; each has 1 / (number of grids) of the map's channels.
        dropout: probability that training drops a channel of the fused map.
        output_stride: stride of the map, 8, 16 or 32; 8 in the paper. A backbone at stride 8
            computes its last stage at 16 times the cells of stride 32.
    """

    def __init__(
        self,
        channels: int = 512,
        bins: Sequence[int] = (1, 2, 3, 6),
        dropout: float = 0.2,
        output_stride: int = 8,
    ) -> None:
        check_whole(channels, "channels", 1)
        self.channels, self.bins = channels, tuple(bins)
        if not self.bins or len(set(self.bins)) < len(self.bins):
            raise ConfigError("bins are different numbers", received=f"bins {self.bins}")
        for count in self.bins:
            check_whole(count, "bins", 1)
        self.dropout = real(dropout, "dropout", least=0.0, below=1.0)
        if output_stride not in (8, 16, 32):
            raise ConfigError("output_stride must be 8, 16 or 32", received=output_stride)
        self.output_stride = output_stride

    def __call__(self, features: Features, name: str, outputs: int, init: Any = None) -> Any:
        """See `Decoder`."""
        deepest = max(features.maps)
        size = features.size(deepest)
        x = features.maps[deepest]
        width = max(1, features.channels[deepest] // len(self.bins))
        grids = [self._grid(x, f"{name}_pool{count}", count, width, size) for count in self.bins]
        x = sym.concat(*grids, x, dim=1, name=f"{name}_pyramid")
        x = conv_bn(x, f"{name}_fuse", self.channels, kernel=1)
        if self.dropout:
            x = sym.Dropout(x, p=self.dropout, axes=(2, 3), name=f"{name}_dropout")
        x = last_convolution(x, f"{name}_logits", outputs, init, kernel=3)
        return upsample(x, deepest // LOGIT_STRIDE, size, features.size(LOGIT_STRIDE))

    @staticmethod
    def _grid(x: Any, name: str, count: int, width: int, size: tuple[int, int]) -> Any:
        """Means over count x count regions, reduced, and stretched to the size of the map."""
        x = pooled_means(x, size, count)
        if count == 1:
            # No BatchNorm: over one cell an image its statistics are those of a few numbers.
            x = sym.Convolution(x, num_filter=width, kernel=(1, 1), name=name)
            x = sym.Activation(x, act_type="relu", name=f"{name}_relu")
        else:
            x = conv_bn(x, name, width, kernel=1)
        return stretched(x, count, size)
