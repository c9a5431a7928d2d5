"""Decoders: backbone features -> class logits at a quarter of the input size."""

from __future__ import annotations

from typing import Any

from densefit.backend import mx
from densefit.model.head import Features
from densefit.model.layers import conv_bn, upsample

LOGIT_STRIDE = 4


def fcn(features: Features, name: str, classes: int, channels: int) -> Any:
    """FCN with skips (Long et al. 2015): every map's scores, enlarged and added up.

    The paper adds scores of strides 32, 16 and 8 and enlarges the sum by 8; here the map of
    stride 4 joins in, and the result is at stride 4.
    """
    strides = sorted(features.maps, reverse=True)
    total = None
    for stride in strides:
        x = features.maps[stride]
        if stride == strides[0]:
            x = conv_bn(x, f"{name}_fcn", channels)
        score = mx.sym.Convolution(
            x, num_filter=classes, kernel=(1, 1), name=f"{name}_score{stride}"
        )
        if total is None:
            total, above = score, stride
            continue
        total = score + upsample(
            total, above // stride, features.size(above), features.size(stride)
        )
        above = stride
    return total


def deeplab(
    features: Features, name: str, classes: int, channels: int, rates: tuple[int, ...]
) -> Any:
    """DeepLabV3+ (Chen et al. 2018): atrous pyramid pooling, and a decoder with stride-4 detail.

    The pyramid: a 1x1 convolution, 3x3 convolutions dilated by `rates`, and the picture's mean
    as context. Its projection is enlarged, joined with 48 channels of the stride-4 map, and
    refined by two 3x3 convolutions.
    """
    deepest = max(features.maps)
    x = features.maps[deepest]
    branches = [conv_bn(x, f"{name}_aspp_1x1", channels, kernel=1)]
    branches += [conv_bn(x, f"{name}_aspp_rate{rate}", channels, dilation=rate) for rate in rates]
    pooled = mx.sym.Pooling(x, global_pool=True, pool_type="avg", kernel=(1, 1))
    # No BatchNorm here: over one cell a picture its statistics are those of a handful of numbers.
    pooled = mx.sym.Convolution(
        pooled, num_filter=channels, kernel=(1, 1), name=f"{name}_aspp_pool"
    )
    pooled = mx.sym.Activation(pooled, act_type="relu")
    branches.append(mx.sym.broadcast_like(pooled, branches[0]))
    x = mx.sym.concat(*branches, dim=1, name=f"{name}_aspp")
    x = conv_bn(x, f"{name}_project", channels, kernel=1)
    x = upsample(x, deepest // LOGIT_STRIDE, features.size(deepest), features.size(LOGIT_STRIDE))
    detail = conv_bn(features.maps[LOGIT_STRIDE], f"{name}_detail", 48, kernel=1)
    x = mx.sym.concat(x, detail, dim=1, name=f"{name}_joined")
    x = conv_bn(x, f"{name}_refine1", channels)
    x = conv_bn(x, f"{name}_refine2", channels)
    return mx.sym.Convolution(x, num_filter=classes, kernel=(1, 1), name=f"{name}_logits")
