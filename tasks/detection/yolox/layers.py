"""Neck and decoupled head of YOLOX: feature maps -> predictions of all cells. Symbols.

Ge et al., "YOLOX: Exceeding YOLO Series in 2021", section 2.1. The neck aggregates paths in both
directions (Liu et al., "Path Aggregation Network for Instance Segmentation", CVPR 2018).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from densefit.errors import ConfigError
from densefit.model.cross_stage import cross_stage, joined, swish_conv
from densefit.model.heads.head import Features
from densefit.symbol import init, sym

from ..fpn import convolution, doubled
from ..towers import STD, cell_rows

#: Initial score of objects and classes.
PRIOR = 0.01


def aggregated_levels(
    name: str, features: Features, strides: Sequence[int], blocks: int
) -> list[Any]:
    """One map per level, with the channels of the backbone's map; each stride is twice the last.

    Args:
        name: prefix of the parameters.
        features: feature maps of the backbone.
        strides: strides of the levels.
        blocks: blocks of each cross-stage layer.

    Raises:
        ConfigError: the backbone lacks a level.
    """
    missing = [stride for stride in strides if stride not in features.maps]
    if missing:
        raise ConfigError(
            "The backbone lacks feature maps of the detector's strides",
            expected=f"some of {', '.join(map(str, sorted(features.maps)))}",
            received=tuple(strides),
            where=f"head {name!r}",
        )
    channels = [features.channels[stride] for stride in strides]
    reduced: list[Any] = []
    level = features.maps[strides[-1]]
    for number in range(len(strides) - 2, -1, -1):
        stride, data = strides[number], features.maps[strides[number]]
        level = swish_conv(level, f"{name}_level{stride}_reduce", channels[number], kernel=1)
        reduced.insert(0, level)
        level = joined([doubled(level, data, features.size(stride)), data])
        layer = f"{name}_level{stride}_down"
        level = cross_stage(level, layer, channels[number], blocks, has_sums=False)
    levels = [level]
    for stride, data, before, after in zip(strides[1:], reduced, channels, channels[1:]):
        level = swish_conv(levels[-1], f"{name}_level{stride}_shrink", before, stride=2)
        level = joined([level, data])
        levels.append(cross_stage(level, f"{name}_level{stride}_up", after, blocks, has_sums=False))
    return levels


def decoupled_predictions(
    name: str, levels: Sequence[Any], strides: Sequence[int], channels: int, classes: int
) -> tuple[Any, Any, Any]:
    """Class logits (B, A, classes), offsets (B, A, 4) and objectness logits (B, A) of all cells.

    Args:
        name: prefix of the parameters.
        levels: map of each level.
        strides: their strides.
        channels: channels of the head's maps.
        classes: number of classes.
    """
    widths: Mapping[str, int] = {"class": classes, "box": 4, "objectness": 1}
    rows: dict[str, list[Any]] = {kind: [] for kind in widths}
    for data, stride in zip(levels, strides):
        prefix = f"{name}_level{stride}"
        stem = swish_conv(data, f"{prefix}_stem", channels, kernel=1)
        branches = {}
        for branch in ("class", "box"):
            data = stem
            for number in range(2):
                data = swish_conv(data, f"{prefix}_{branch}_conv{number}", channels)
            branches[branch] = data
        branches["objectness"] = branches["box"]
        for kind, width in widths.items():
            bias = 0.0 if kind == "box" else -math.log(1 / PRIOR - 1)
            layer = f"{prefix}_{kind}"
            data = convolution(branches[kind], layer, width, 1, 1, init.Normal(STD), bias)
            rows[kind] += cell_rows([data], width)
    scores, offsets, objectness = (sym.concat(*rows[kind], dim=1) for kind in widths)
    return scores, offsets, sym.squeeze(objectness, axis=2)
