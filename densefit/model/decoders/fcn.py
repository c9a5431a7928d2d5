"""FCN: the scores of all feature maps, upsampled and summed."""

from __future__ import annotations

from typing import Any

from densefit.model.decoders.decoder import Decoder, decoders, last_convolution
from densefit.model.heads.head import Features
from densefit.model.layers import conv_bn, upsample
from densefit.numeric import check_whole


@decoders.register("fcn")
class FCN(Decoder):
    """FCN with skips (Long et al., CVPR 2015): every map's scores, upsampled and summed.

    The paper sums scores of strides 32, 16 and 8 and upsamples the sum by 8; here the map of
    stride 4 is summed too, and the result is at stride 4.

    Args:
        channels: channels of the 3x3 convolution on the deepest map.
    """

    output_stride = 32

    def __init__(self, channels: int = 128) -> None:
        check_whole(channels, "channels", 1)
        self.channels = channels

    def __call__(self, features: Features, name: str, outputs: int, init: Any = None) -> Any:
        """See `Decoder`."""
        strides = sorted(features.maps, reverse=True)
        total = None
        for stride in strides:
            x = features.maps[stride]
            if stride == strides[0]:
                x = conv_bn(x, f"{name}_fcn", self.channels)
            score = last_convolution(x, f"{name}_score{stride}", outputs, init)
            if total is None:
                total, above = score, stride
                continue
            total = score + upsample(
                total, above // stride, features.size(above), features.size(stride)
            )
            above = stride
        return total
