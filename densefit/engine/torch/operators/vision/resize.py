"""Maps resized: nearest and bilinear upsampling, bilinear resizing, adaptive pooling."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.operators.registry import Compute, operator


@operator("UpSampling")
def upsampling(attrs: Attributes) -> Compute:
    """Larger maps: by the nearest value, or bilinearly by a transposed convolution's weights."""
    scale = attrs.whole("scale")
    if attrs.text("sample_type") == "bilinear":
        return _bilinear(scale)
    summed = attrs.text("multi_input_mode", "concat") == "sum"

    def compute(run: Any, first: Any, *rest: Any) -> Any:
        size = (first.shape[2] * scale, first.shape[3] * scale)
        maps = [F.interpolate(x, size, mode="nearest") for x in (first, *rest)]
        if len(maps) == 1:
            return maps[0]
        return sum(maps[1:], maps[0]) if summed else torch.cat(maps, 1)

    return compute


def _bilinear(scale: int) -> Compute:
    pad = scale // 2  # half the kernel's 2 * scale - scale % 2, less the stride's share

    def compute(run: Any, data: Any, weight: Any) -> Any:
        return F.conv_transpose2d(data, weight, None, scale, pad, groups=data.shape[1])

    return compute


@operator("_contrib_BilinearResize2D")
def bilinear_resize(attrs: Attributes) -> Compute:
    """Resize to a size, by factors or to the size of another map."""
    mode, corners = attrs.text("mode", "size"), attrs.flag("align_corners", True)
    height, width = attrs.whole("height", 1), attrs.whole("width", 1)
    tall, wide = attrs.optional("scale_height"), attrs.optional("scale_width")

    def compute(run: Any, x: Any, like: Any = None) -> Any:
        size, target = x.shape[2:], (height, width)
        if mode == "like":
            target = like.shape[2:]
        elif mode.startswith("to_"):
            target = (_of_parity(size[0], mode), _of_parity(size[1], mode))
        elif tall is not None:
            target = (_scaled(size[0], tall, mode), _scaled(size[1], wide, mode))
        return F.interpolate(x, target, mode="bilinear", align_corners=corners)

    return compute


def _scaled(size: int, factor: float, mode: str) -> int:
    if mode == "odd_scale" and size % 2:
        return int((size - 1) * factor) + 1
    return int(size * factor)


def _of_parity(size: int, mode: str) -> int:
    """The size itself if it is even or odd as `mode` says, else one less or more."""
    _, parity, direction = mode.split("_")
    if size % 2 == (parity == "odd"):
        return size
    return size + (1 if direction == "up" else -1)


@operator("_contrib_AdaptiveAvgPooling2D")
def adaptive_average_pooling(attrs: Attributes) -> Compute:
    """Means over a grid of regions."""
    size: Any = attrs.wholes("output_size", ()) if attrs.optional("output_size") else ()
    size = size or (1, 1)
    size = size * 2 if len(size) == 1 else size
    return lambda run, x: F.adaptive_avg_pool2d(x, size)
