"""Operators that join and split tensors, and rearrange blocks of them."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.operators.registry import Compute, operator


@operator("Concat", "concat", "_rnn_param_concat")
def concat(attrs: Attributes) -> Compute:
    """Join along an axis."""
    axis = attrs.whole("dim", 1)
    return lambda run, *tensors: torch.cat(tensors, axis)


@operator("stack")
def stack(attrs: Attributes) -> Compute:
    """Join along a new axis."""
    axis = attrs.whole("axis", 0)
    return lambda run, *tensors: torch.stack(tensors, axis)


@operator("SliceChannel", "split")
def slice_channel(attrs: Attributes) -> Compute:
    """Split an axis into equal parts."""
    parts, axis = attrs.whole("num_outputs"), attrs.whole("axis", 1)
    squeezed = attrs.flag("squeeze_axis")

    def compute(run: Any, x: Any) -> Any:
        if squeezed:
            return x.unbind(axis)
        return _equal_parts(x, parts, axis)

    return compute


def _equal_parts(x: Any, count: int, axis: int) -> Any:
    if x.shape[axis] % count:
        raise ValueError(f"axis {axis} of size {x.shape[axis]} has no {count} equal parts")
    return torch.split(x, x.shape[axis] // count, axis)


@operator("_split_v2")
def split_v2(attrs: Attributes) -> Compute:
    """Split an axis into equal parts, or at indices."""
    axis, sections = attrs.whole("axis", 1), attrs.whole("sections", 0)
    indices = attrs.wholes("indices", ())
    squeezed = attrs.flag("squeeze_axis")

    def compute(run: Any, x: Any) -> Any:
        if sections:
            parts = _equal_parts(x, sections, axis)
        else:  # MXNet's indices begin with 0
            parts = torch.tensor_split(x, indices[1:], axis)
        return tuple(part.squeeze(axis) for part in parts) if squeezed else tuple(parts)

    return compute


@operator("depth_to_space")
def depth_to_space(attrs: Attributes) -> Compute:
    """(N, C, H, W) -> (N, C / b^2, H b, W b), channels ordered by position first."""
    block = attrs.whole("block_size")

    def compute(run: Any, x: Any) -> Any:
        n, c, h, w = x.shape
        blocks = x.reshape(n, block, block, c // block**2, h, w).permute(0, 3, 4, 1, 5, 2)
        return blocks.reshape(n, c // block**2, h * block, w * block)

    return compute


@operator("space_to_depth")
def space_to_depth(attrs: Attributes) -> Compute:
    """(N, C, H, W) -> (N, C b^2, H / b, W / b), channels ordered by position first."""
    block = attrs.whole("block_size")

    def compute(run: Any, x: Any) -> Any:
        n, c, h, w = x.shape
        blocks = x.reshape(n, c, h // block, block, w // block, block).permute(0, 3, 5, 1, 2, 4)
        return blocks.reshape(n, c * block**2, h // block, w // block)

    return compute


@operator("Pad", "pad")
def pad(attrs: Attributes) -> Compute:
    """Pad the spatial axes of 4-D and 5-D tensors: constant, edge or reflect."""
    widths, mode = attrs.wholes("pad_width"), attrs.text("mode")
    value = attrs.number("constant_value", 0.0)
    pairs = [widths[n : n + 2] for n in range(0, len(widths), 2)]
    flat = [width for pair in reversed(pairs) for width in pair]  # torch: the last axis first
    if mode == "constant":
        return lambda run, x: F.pad(x, flat, value=value)
    name = {"edge": "replicate", "reflect": "reflect"}[mode]
    return lambda run, x: F.pad(x, flat[:-4], mode=name)


@operator("im2col")
def im2col(attrs: Attributes) -> Compute:
    """Windows of a map as columns."""
    return lambda run, x: F.unfold(x, **_windows(attrs))


@operator("col2im")
def col2im(attrs: Attributes) -> Compute:
    """Sum of columns at the places of their windows."""
    size = attrs.wholes("output_size")
    return lambda run, x: F.fold(x, size, **_windows(attrs))


def _windows(attrs: Attributes) -> dict[str, Any]:
    kernel = attrs.wholes("kernel")
    ones, zeros = (1,) * len(kernel), (0,) * len(kernel)
    return {
        "kernel_size": kernel,
        "stride": attrs.wholes("stride", ones),
        "dilation": attrs.wholes("dilate", ones),
        "padding": attrs.wholes("pad", zeros),
    }
