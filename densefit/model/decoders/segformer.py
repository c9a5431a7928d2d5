"""SegFormer's decoder: 1x1 convolutions of all maps, joined at stride 4."""

from __future__ import annotations

from typing import Any

from densefit.model.decoders.decoder import LOGIT_STRIDE, Decoder, decoders, last_convolution
from densefit.model.heads.head import Features
from densefit.model.layers import conv_bn, upsample
from densefit.numeric import check_whole, real
from densefit.symbol import sym


@decoders.register("segformer")
class SegFormer(Decoder):
    """The all-MLP decoder of SegFormer (Xie et al., NeurIPS 2021), on any backbone.

    A linear layer for each map, all upsampled to stride 4 and joined, a 1x1 convolution that fuses
    them, and a 1x1 convolution for the scores. It sees no further than the backbone does, which
    suits transformers and networks with large receptive fields.

    Args:
        channels: channels of each map after its linear layer, and after the fusion; 256 in the
            paper's smaller networks.
        dropout: probability that training drops a channel of the fused map.
    """

    output_stride = 32

    def __init__(self, channels: int = 256, dropout: float = 0.1) -> None:
        check_whole(channels, "channels", 1)
        self.channels = channels
        self.dropout = real(dropout, "dropout", least=0.0, below=1.0)

    def __call__(self, features: Features, name: str, outputs: int, init: Any = None) -> Any:
        """See `Decoder`."""
        size = features.size(LOGIT_STRIDE)
        parts = []
        for stride in sorted(features.maps, reverse=True):
            layer = f"{name}_linear{stride}"
            x = features.maps[stride]
            x = sym.Convolution(x, num_filter=self.channels, kernel=(1, 1), name=layer)
            parts.append(upsample(x, stride // LOGIT_STRIDE, features.size(stride), size))
        x = sym.concat(*parts, dim=1, name=f"{name}_joined")
        x = conv_bn(x, f"{name}_fuse", self.channels, kernel=1)
        if self.dropout:
            x = sym.Dropout(x, p=self.dropout, axes=(2, 3), name=f"{name}_dropout")
        return last_convolution(x, f"{name}_logits", outputs, init)
