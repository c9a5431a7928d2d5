"""Auxiliary logits: deep supervision of a backbone."""

from __future__ import annotations

from typing import Any

from densefit.model.decoders.logits import LOGIT_STRIDE, last_convolution
from densefit.model.heads.features import AuxiliaryMap, Features
from densefit.model.layers import conv_bn, upsample

STRIDE = 16


def auxiliary_logits(features: Features, name: str, outputs: int) -> Any:
    """Build logits (B, outputs, h, w) at LOGIT_STRIDE from the map of stride 16, for training only.

    A 3x3 convolution to a quarter of the channels and a 1x1 convolution (Zhao et al., "Pyramid
    Scene Parsing Network", CVPR 2017, section 3.3; without dropout). A backbone whose output stride
    is 16 or 8 has no map of stride 16 before its last stage: there the deepest map is supervised.
    A backbone may name another map (`Features.auxiliary`).

    Args:
        features: features of the backbone.
        name: prefix of the parameters.
        outputs: number of classes.
    """
    source = features.auxiliary
    if source is None:
        stride = max(stride for stride in features.maps if stride <= STRIDE)
        source = AuxiliaryMap(stride, features.maps[stride], features.channels[stride])
    stride = source.stride
    x = conv_bn(source.symbol, f"{name}_conv", max(1, source.channels // 4))
    x = last_convolution(x, f"{name}_logits", outputs, None)
    size = features.size(stride)
    return upsample(x, stride // LOGIT_STRIDE, size, features.size(LOGIT_STRIDE))
