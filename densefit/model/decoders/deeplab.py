"""DeepLabV3+: atrous pyramid pooling, and a refinement with the details of stride 4."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from densefit.errors import ConfigError
from densefit.model.decoders.decoder import LOGIT_STRIDE, Decoder, decoders, last_convolution
from densefit.model.heads.head import Features
from densefit.model.layers import conv_bn, separable_conv_bn, upsample
from densefit.numeric import check_whole
from densefit.symbol import sym


@decoders.register("deeplabv3+")
class DeepLabV3Plus(Decoder):
    """DeepLabV3+ (Chen et al., ECCV 2018): atrous pyramid pooling with stride-4 detail.

    The pyramid: a 1x1 convolution, 3x3 convolutions dilated by `rates`, and the image's mean
    as context. Its projection is upsampled, concatenated with 48 channels of the stride-4 map, and
    refined by two 3x3 convolutions.

    Args:
        channels: channels of each branch of the pyramid, and of the refinement.
        rates: dilations of the 3x3 convolutions, in cells of the deepest map.
        separable: make the 3x3 convolutions separable, as the paper does on Xception: a fraction
            of the multiply-adds.
    """

    output_stride = 16

    def __init__(
        self, channels: int = 128, rates: Sequence[int] = (6, 12, 18), separable: bool = False
    ) -> None:
        check_whole(channels, "channels", 1)
        self.channels, self.rates, self.separable = channels, tuple(rates), separable
        if any(rate < 1 for rate in self.rates):
            raise ConfigError("Dilations must be at least 1", received=f"rates {self.rates}")

    def __call__(self, features: Features, name: str, outputs: int, init: Any = None) -> Any:
        """See `Decoder`."""
        channels, deepest = self.channels, max(features.maps)
        x = self._pyramid(features.maps[deepest], name, features.channels[deepest])
        x = conv_bn(x, f"{name}_project", channels, kernel=1)
        size, detailed = features.size(deepest), features.size(LOGIT_STRIDE)
        x = upsample(x, deepest // LOGIT_STRIDE, size, detailed)
        detail = conv_bn(features.maps[LOGIT_STRIDE], f"{name}_detail", 48, kernel=1)
        x = sym.concat(x, detail, dim=1, name=f"{name}_joined")
        x = self._conv3x3(x, f"{name}_refine1", channels + 48)
        x = self._conv3x3(x, f"{name}_refine2", channels)
        return last_convolution(x, f"{name}_logits", outputs, init)

    def _conv3x3(self, x: Any, name: str, inputs: int, dilation: int = 1) -> Any:
        """A 3x3 convolution of `inputs` channels, with normalization and ReLU."""
        if self.separable:
            return separable_conv_bn(x, name, inputs, self.channels, dilation=dilation)
        return conv_bn(x, name, self.channels, dilation=dilation)

    def _pyramid(self, x: Any, name: str, inputs: int) -> Any:
        """The branches on one map, concatenated."""
        channels = self.channels
        branches = [conv_bn(x, f"{name}_aspp_1x1", channels, kernel=1)]
        branches += [
            self._conv3x3(x, f"{name}_aspp_rate{rate}", inputs, rate) for rate in self.rates
        ]
        # A mean and not a global Pooling, whose backward pass on a CPU takes as long as a large
        # convolution, and hands on a gradient in a layout that BatchNorm's takes longer still for.
        pooled = sym.mean(x, axis=(2, 3), keepdims=True)
        # No BatchNorm here: over one cell an image its statistics are those of a handful of
        # numbers.
        name_pooled = f"{name}_aspp_pool"
        pooled = sym.Convolution(pooled, num_filter=channels, kernel=(1, 1), name=name_pooled)
        pooled = sym.Activation(pooled, act_type="relu")
        branches.append(sym.broadcast_like(pooled, branches[0]))
        return sym.concat(*branches, dim=1, name=f"{name}_aspp")
