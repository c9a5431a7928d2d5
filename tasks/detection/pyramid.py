"""Feature maps of the backbone -> levels -> predictions of all anchors. Symbols."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from densefit.model.heads.head import Features
from densefit.model.layers import conv_bn
from densefit.symbol import init, sym


def feature_levels(
    name: str, features: Features, strides: Sequence[int], channels: int, top_down: bool
) -> list[Any]:
    """One map (B, C, H/stride, W/stride) per level; each stride is twice the previous one.

    Levels that the backbone lacks are computed by 3x3 convolutions of stride 2. With `top_down`
    deeper levels are added to shallower ones, as in Lin et al., "Feature Pyramid Networks for
    Object Detection", CVPR 2017, figure 3.
    """
    available = [stride for stride in strides if stride in features.maps]
    levels = [features.maps[stride] for stride in available]
    if top_down:
        levels = _enrich(name, levels, available, channels, features)
    stride = available[-1] if available else max(features.maps)
    data = levels[-1] if available else features.maps[stride]
    while stride < strides[-1]:
        stride *= 2
        data = conv_bn(data, f"{name}_level{stride}_conv", channels, stride=2)
        if stride in strides:
            levels.append(data)
    return levels


def _enrich(
    name: str, levels: list[Any], strides: list[int], channels: int, features: Features
) -> list[Any]:
    merged: list[Any] = []
    for data, stride in zip(reversed(levels), reversed(strides)):
        # Normalised: sums over levels would start large enough to diverge.
        data = conv_bn(data, f"{name}_level{stride}_lateral", channels, 1, activation=None)
        if merged:
            deeper = sym.UpSampling(merged[0], scale=2, sample_type="nearest", num_args=1)
            if any(side % 2 for side in features.size(stride)):
                # Sizes round up: the upsampled map may be one too large.
                deeper = sym.slice_like(deeper, data, axes=(2, 3))
            data = data + deeper
        merged.insert(0, data)
    return [
        conv_bn(data, f"{name}_level{stride}_smooth", channels)
        for data, stride in zip(merged, strides)
    ]


def predictions(
    name: str, levels: Sequence[Any], strides: Sequence[int], anchors: Sequence[int], columns: int
) -> tuple[Any, Any]:
    """Class scores (B, A, columns) and box offsets (B, A, 4) of all anchors, in anchor order.

    Args:
        name: prefix of the parameters.
        levels: feature map of each level.
        strides: their strides.
        anchors: anchors per cell of each level.
        columns: number of classes, with the background.
    """
    return (
        anchor_rows(name, "class", levels, strides, anchors, columns),
        anchor_rows(name, "box", levels, strides, anchors, 4),
    )


def anchor_rows(
    name: str,
    kind: str,
    levels: Sequence[Any],
    strides: Sequence[int],
    anchors: Sequence[int],
    width: int,
) -> Any:
    """(B, A, width) predictions of all anchors, in anchor order: a 3x3 convolution per level.

    Args:
        name: prefix of the parameters.
        kind: suffix of the parameters' names.
        levels: feature map of each level.
        strides: their strides.
        anchors: anchors per cell of each level.
        width: values per anchor.
    """
    rows = []
    for data, stride, count in zip(levels, strides, anchors):
        prefix = f"{name}_level{stride}_{kind}"
        data = sym.Convolution(
            data,
            sym.Variable(f"{prefix}_weight", init=init.Normal(0.01)),
            sym.Variable(f"{prefix}_bias", init=init.Zero()),
            num_filter=count * width,
            kernel=(3, 3),
            pad=(1, 1),
            name=prefix,
        )
        data = sym.transpose(data, axes=(0, 2, 3, 1))
        rows.append(sym.reshape(data, shape=(0, -1, width)))
    return sym.concat(*rows, dim=1)
