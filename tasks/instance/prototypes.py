"""Prototype masks of an image, and their combination into masks of objects. Symbols.

Bolya et al., "YOLACT: Real-time Instance Segmentation", ICCV 2019, sections 3.1 and 3.2: a mask
is sigmoid(P C^T), with prototypes P of the image and coefficients C of the object.
"""

from __future__ import annotations

from typing import Any

from densefit.model.heads.head import Features
from densefit.model.layers import conv_bn, upsample
from densefit.symbol import sym

DETAIL = 4  # the shallowest stride of a backbone


def prototypes(
    name: str, features: Features, level: Any, stride: int, channels: int, count: int, out: int
) -> Any:
    """(B, count, h, w) non-negative prototype maps at stride `out`.

    Computed from the pyramid's shallowest level and, for sharp edges, the backbone's stride-4 map.

    Args:
        name: prefix of the parameters.
        features: feature maps of the backbone.
        level: the pyramid's shallowest level, (B, C, H/stride, W/stride).
        stride: stride of that level, 4 or more.
        channels: channels of intermediate maps.
        count: number of prototypes.
        out: 4 or 2.
    """
    detail = features.size(DETAIL)
    data = conv_bn(level, f"{name}_mask_deep", channels)
    if stride > DETAIL:
        data = upsample(data, stride // DETAIL, features.size(stride), detail)
        # Normalised, as in the pyramid: the sum of two maps would start too large.
        data = data + conv_bn(
            features.maps[DETAIL], f"{name}_mask_detail", channels, kernel=1, activation=None
        )
    data = conv_bn(data, f"{name}_mask_merged", channels)
    if out < DETAIL:
        data = upsample(data, DETAIL // out, detail, features.size(out))
        data = conv_bn(data, f"{name}_mask_fine", channels)
    data = sym.Convolution(data, num_filter=count, kernel=(1, 1), name=f"{name}_prototypes")
    return sym.relu(data)


def assemble_masks(maps: Any, coefficients: Any, anchor: Any, size: tuple[int, int]) -> Any:
    """(B, N, h, w) mask logits of N selected anchors per image.

    Args:
        maps: (B, k, h, w) prototypes.
        coefficients: (B, A, k), of all anchors.
        anchor: (B, N) indices of anchors.
        size: (h, w).
    """
    sample = sym.broadcast_like(
        sym.reshape(sym.contrib.arange_like(coefficients, axis=0), shape=(-1, 1)), anchor
    )
    selected = sym.gather_nd(coefficients, sym.stack(sample, anchor, axis=0))
    logits = sym.batch_dot(selected, sym.reshape(maps, shape=(0, 0, -1)))
    return sym.reshape(logits, shape=(0, 0, *size))
