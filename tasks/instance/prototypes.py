"""Prototype masks of an image, and the masks that coefficients make of them. Symbols.

Bolya et al., "YOLACT: Real-time Instance Segmentation", ICCV 2019, sections 3.1 and 3.2: a mask
is sigmoid(P C^T), the prototypes P being the image's, the coefficients C an object's.
"""

from __future__ import annotations

from typing import Any

from densefit.backend import mx
from densefit.model.heads.head import Features
from densefit.model.layers import conv_bn, upsample

DETAIL = 4  # the shallowest stride of a backbone


def prototypes(
    name: str, features: Features, level: Any, stride: int, channels: int, count: int, out: int
) -> Any:
    """(B, count, h, w) prototype maps, not negative, at stride `out`.

    The pyramid's shallowest level says what there is, the backbone's map of stride 4 where it ends.

    Args:
        name: prefix of the parameters.
        features: of the backbone.
        level: the pyramid's shallowest level, (B, C, H/stride, W/stride).
        stride: of that level, 4 or more.
        channels: of the maps in between.
        count: how many prototypes.
        out: 4, or 2.
    """
    detail = features.size(DETAIL)
    data = conv_bn(level, f"{name}_mask_deep", channels)
    if stride > DETAIL:
        data = upsample(data, stride // DETAIL, features.size(stride), detail)
        # Normalised, as in the pyramid: a sum of two maps would start out large.
        data = data + conv_bn(
            features.maps[DETAIL], f"{name}_mask_detail", channels, kernel=1, relu=None
        )
    data = conv_bn(data, f"{name}_mask_merged", channels)
    if out < DETAIL:
        data = upsample(data, DETAIL // out, detail, features.size(out))
        data = conv_bn(data, f"{name}_mask_fine", channels)
    data = mx.sym.Convolution(data, num_filter=count, kernel=(1, 1), name=f"{name}_prototypes")
    return mx.sym.relu(data)


def assemble_masks(maps: Any, coefficients: Any, anchor: Any, size: tuple[int, int]) -> Any:
    """(B, N, h, w) logits of the masks of N chosen anchors of each image.

    Args:
        maps: (B, k, h, w) prototypes.
        coefficients: (B, A, k) of all anchors.
        anchor: (B, N) indices of anchors.
        size: (h, w).
    """
    sample = mx.sym.broadcast_like(
        mx.sym.reshape(mx.sym.contrib.arange_like(coefficients, axis=0), shape=(-1, 1)), anchor
    )
    selected = mx.sym.gather_nd(coefficients, mx.sym.stack(sample, anchor, axis=0))
    logits = mx.sym.batch_dot(selected, mx.sym.reshape(maps, shape=(0, 0, -1)))
    return mx.sym.reshape(logits, shape=(0, 0, *size))
