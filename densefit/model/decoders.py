"""Decoders: backbone features -> maps at a quarter of the input size, for any dense head.

The head gives the channels their meaning: class logits, depth, components of a vector.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from densefit.errors import ConfigError
from densefit.model.heads.head import Features
from densefit.model.layers import conv_bn, upsample
from densefit.symbol import sym

LOGIT_STRIDE = 4


@dataclass(frozen=True)
class Decoder:
    """Kind and width of a head's decoder.

    Attributes:
        kind: "deeplabv3+" or "fcn".
        channels: width.
        rates: dilations of the atrous pyramid of "deeplabv3+".

    Raises:
        ConfigError: unknown, or a setting below 1.
    """

    kind: str = "deeplabv3+"
    channels: int = 128
    rates: Sequence[int] = (6, 12, 18)

    def __post_init__(self) -> None:
        object.__setattr__(self, "rates", tuple(self.rates))
        if self.channels < 1 or any(rate < 1 for rate in self.rates):
            raise ConfigError(
                "Channels and dilations must be at least 1",
                received=f"channels {self.channels}, rates {self.rates}",
            )
        if self.kind not in ("deeplabv3+", "fcn"):
            raise ConfigError(
                "Unknown decoder", expected="'deeplabv3+' or 'fcn'", received=repr(self.kind)
            )

    @property
    def output_stride(self) -> int:
        """Stride of the deepest feature map that it reads."""
        return 16 if self.kind == "deeplabv3+" else 32

    def __call__(self, features: Features, name: str, outputs: int, init: Any = None) -> Any:
        """Build the map (B, outputs, h, w) at LOGIT_STRIDE, with parameters `<name>_...`.

        Args:
            features: features of the backbone.
            name: name of the head.
            outputs: channels of the map.
            init: MXNet initializer of the last weights, for outputs that must start near 0; by
                default that of all weights.
        """
        if self.kind == "fcn":
            return fcn(features, name, outputs, self.channels, init)
        return deeplab(features, name, outputs, self.channels, tuple(self.rates), init)


def fcn(features: Features, name: str, outputs: int, channels: int, init: Any = None) -> Any:
    """FCN with skips (Long et al. 2015): every map's scores, upsampled and summed.

    The paper sums scores of strides 32, 16 and 8 and upsamples the sum by 8; here the map of
    stride 4 is summed too, and the result is at stride 4.
    """
    strides = sorted(features.maps, reverse=True)
    total = None
    for stride in strides:
        x = features.maps[stride]
        if stride == strides[0]:
            x = conv_bn(x, f"{name}_fcn", channels)
        score = _last(x, f"{name}_score{stride}", outputs, init)
        if total is None:
            total, above = score, stride
            continue
        total = score + upsample(
            total, above // stride, features.size(above), features.size(stride)
        )
        above = stride
    return total


def deeplab(
    features: Features,
    name: str,
    outputs: int,
    channels: int,
    rates: tuple[int, ...],
    init: Any = None,
) -> Any:
    """DeepLabV3+ (Chen et al. 2018): atrous pyramid pooling, and a decoder with stride-4 detail.

    The pyramid: a 1x1 convolution, 3x3 convolutions dilated by `rates`, and the image's mean
    as context. Its projection is upsampled, concatenated with 48 channels of the stride-4 map, and
    refined by two 3x3 convolutions.
    """
    deepest = max(features.maps)
    x = features.maps[deepest]
    branches = [conv_bn(x, f"{name}_aspp_1x1", channels, kernel=1)]
    branches += [conv_bn(x, f"{name}_aspp_rate{rate}", channels, dilation=rate) for rate in rates]
    # A mean and not a global Pooling, whose backward pass on a CPU takes as long as a large
    # convolution, and hands on a gradient in a layout that BatchNorm's takes longer still for.
    pooled = sym.mean(x, axis=(2, 3), keepdims=True)
    # No BatchNorm here: over one cell an image its statistics are those of a handful of numbers.
    pooled = sym.Convolution(pooled, num_filter=channels, kernel=(1, 1), name=f"{name}_aspp_pool")
    pooled = sym.Activation(pooled, act_type="relu")
    branches.append(sym.broadcast_like(pooled, branches[0]))
    x = sym.concat(*branches, dim=1, name=f"{name}_aspp")
    x = conv_bn(x, f"{name}_project", channels, kernel=1)
    x = upsample(x, deepest // LOGIT_STRIDE, features.size(deepest), features.size(LOGIT_STRIDE))
    detail = conv_bn(features.maps[LOGIT_STRIDE], f"{name}_detail", 48, kernel=1)
    x = sym.concat(x, detail, dim=1, name=f"{name}_joined")
    x = conv_bn(x, f"{name}_refine1", channels)
    x = conv_bn(x, f"{name}_refine2", channels)
    return _last(x, f"{name}_logits", outputs, init)


def _last(x: Any, name: str, outputs: int, init: Any) -> Any:
    """Last 1x1 convolution; `init` initializes its weights unless it is None."""
    weight = sym.Variable(f"{name}_weight", init=init)
    return sym.Convolution(x, weight, num_filter=outputs, kernel=(1, 1), name=name)
