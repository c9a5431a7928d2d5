"""U-Net: from the deepest map upwards, joined with the map of each stride."""

from __future__ import annotations

from typing import Any

from densefit.model.decoders.decoder import LOGIT_STRIDE, Decoder, decoders, last_convolution
from densefit.model.heads.head import Features
from densefit.model.layers import conv_bn, upsample
from densefit.numeric import check_whole
from densefit.symbol import sym


@decoders.register("unet")
class UNet(Decoder):
    """U-Net (Ronneberger et al., MICCAI 2015) on any backbone, down to stride 4.

    From the deepest map on, each step repeats the cells (nearest neighbour), joins the backbone's
    map of the next stride, and applies two 3x3 convolutions. The structure and the default width
    are those of segmentation_models_pytorch's `Unet`, whose decoder has 256, 128 and 64 channels at
    strides 16, 8 and 4, and a 3x3 convolution as its last. That decoder goes on to strides 2 and 1
    with 32 and 16 channels. Here logits have stride 4, as with every decoder: on ResNet-18 at
    360x480 the two steps would add 3.5 G multiply-adds to the decoder's 4.9 G, and a loss over 16
    times as many cells.

    Args:
        channels: channels at stride 4; each deeper stride has twice as many.
    """

    output_stride = 32

    def __init__(self, channels: int = 64) -> None:
        check_whole(channels, "channels", 1)
        self.channels = channels

    def __call__(self, features: Features, name: str, outputs: int, init: Any = None) -> Any:
        """See `Decoder`."""
        above, *strides = sorted(features.maps, reverse=True)
        x = features.maps[above]
        for stride in strides:
            x = sym.UpSampling(x, scale=above // stride, sample_type="nearest", num_args=1)
            # The overhang of an odd size is cut off.
            height, width = (side * (above // stride) for side in features.size(above))
            x = upsample(x, 1, (height, width), features.size(stride))
            x = sym.concat(x, features.maps[stride], dim=1, name=f"{name}_up{stride}")
            channels = self.channels * stride // LOGIT_STRIDE
            x = conv_bn(x, f"{name}_up{stride}_conv1", channels)
            x = conv_bn(x, f"{name}_up{stride}_conv2", channels)
            above = stride
        return last_convolution(x, f"{name}_logits", outputs, init, kernel=3)
