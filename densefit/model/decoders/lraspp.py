"""LR-ASPP: a decoder of few operations, for networks that must be fast."""

from __future__ import annotations

from typing import Any

from densefit.model.decoders.decoder import LOGIT_STRIDE, Decoder, decoders, last_convolution
from densefit.model.heads.head import Features
from densefit.model.layers import conv_bn, upsample
from densefit.numeric import check_whole
from densefit.symbol import sym


@decoders.register("lraspp")
class LRASPP(Decoder):
    """Lite R-ASPP (Howard et al., "Searching for MobileNetV3", ICCV 2019), for real time.

    A 1x1 convolution of the deepest map, scaled channel by channel by a gate that the image's mean
    computes, upsampled to stride 8; the scores of both maps are summed there, and upsampled to
    stride 4. No 3x3 convolution: the decoder costs next to nothing beside a small backbone. The
    structure is that of torchvision's `LRASPPHead`.

    Args:
        channels: channels of the deepest map after its 1x1 convolution.
    """

    output_stride = 16

    def __init__(self, channels: int = 128) -> None:
        check_whole(channels, "channels", 1)
        self.channels = channels

    def __call__(self, features: Features, name: str, outputs: int, init: Any = None) -> Any:
        """See `Decoder`."""
        deepest = max(features.maps)
        deep = features.maps[deepest]
        x = conv_bn(deep, f"{name}_deep", self.channels, kernel=1)
        gate = sym.mean(deep, axis=(2, 3), keepdims=True)
        gate = sym.Convolution(
            gate, num_filter=self.channels, kernel=(1, 1), no_bias=True, name=f"{name}_gate"
        )
        x = sym.broadcast_mul(x, sym.sigmoid(gate))
        x = upsample(x, deepest // 8, features.size(deepest), features.size(8))
        score = last_convolution(x, f"{name}_logits", outputs, init)
        score = score + last_convolution(features.maps[8], f"{name}_score8", outputs, init)
        return upsample(score, 8 // LOGIT_STRIDE, features.size(8), features.size(LOGIT_STRIDE))
