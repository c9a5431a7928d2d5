"""Correlation of two feature maps, and convolution at shifted places."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F

from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.operators.registry import Compute, operator


@operator("Correlation")
def correlation(attrs: Attributes) -> Compute:
    """Mean product, or difference, of patches of two maps at each displacement."""
    kernel, most = attrs.whole("kernel_size", 1), attrs.whole("max_displacement", 1)
    stride, step = attrs.whole("stride1", 1), attrs.whole("stride2", 1)
    pad, multiplies = attrs.whole("pad_size", 0), attrs.flag("is_multiply", True)

    def compute(run: Any, first: Any, second: Any) -> Any:
        border = most + (kernel - 1) // 2
        height, width = (
            math.ceil((size + 2 * pad - 2 * border) / stride) for size in first.shape[2:]
        )
        # Patches begin at max_displacement; the last ones may reach a little beyond the map.
        first, second = (F.pad(data, (pad, pad + stride) * 2) for data in (first, second))
        extent = [(count - 1) * stride + kernel for count in (height, width)]
        at_first = first[:, :, most : most + extent[0], most : most + extent[1]]
        shifts = range(-(most // step) * step, most + 1, step)
        maps = []
        for down in shifts:
            for right in shifts:
                top, left = most + down, most + right
                shifted = second[:, :, top : top + extent[0], left : left + extent[1]]
                if multiplies:
                    cells = at_first * shifted
                else:  # whose slope at equal entries is MXNet's
                    sign = torch.where(at_first >= shifted, 1.0, -1.0)
                    cells = (at_first - shifted) * sign.to(first.dtype)
                maps.append(F.avg_pool2d(cells.mean(1, keepdim=True), kernel, stride))
        return torch.cat(maps, dim=1)

    return compute


@operator("_contrib_DeformableConvolution")
def deformable_convolution(attrs: Attributes) -> Compute:
    """Convolution whose samples are shifted by offsets (N, 2 * groups * kernel, H, W)."""
    kernel = attrs.wholes("kernel")
    stride, dilate = attrs.wholes("stride", (1, 1)), attrs.wholes("dilate", (1, 1))
    pad, groups = attrs.wholes("pad", (0, 0)), attrs.whole("num_group", 1)
    parts = attrs.whole("num_deformable_group", 1)

    def compute(run: Any, data: Any, offset: Any, weight: Any, bias: Any = None) -> Any:
        batch, channels, *size = data.shape
        height, width = offset.shape[2:]
        y, x = offset.reshape(batch, parts, kernel[0], kernel[1], 2, height, width).unbind(4)
        rows, columns = (
            _sample_grid(k, n, s, d, p, data)
            for k, n, s, d, p in zip(kernel, (height, width), stride, dilate, pad)
        )
        y = y + rows[:, None, :, None]
        x = x + columns[None, :, None, :]
        data = data.reshape(batch * parts, -1, *size)
        samples = _bilinear(data, *(axis.reshape(batch * parts, -1) for axis in (y, x)))
        samples = samples.reshape(batch, groups, -1, height * width)
        kernels = weight.reshape(groups, weight.shape[0] // groups, -1)
        result = torch.einsum("gok,ngkp->ngop", kernels, samples)
        result = result.reshape(batch, -1, height, width)
        return result if bias is None else result + bias[:, None, None]

    return compute


def _sample_grid(kernel: int, count: int, stride: int, dilate: int, pad: int, like: Any) -> Any:
    """(kernel, count) places of samples without an offset."""
    new = {"device": like.device, "dtype": like.dtype}
    start = torch.arange(count, **new) * stride - pad
    return torch.arange(kernel, **new)[:, None] * dilate + start


def _bilinear(data: Any, y: Any, x: Any) -> Any:
    """Samples (N, C, P) of maps (N, C, H, W) at places (N, P); 0 outside.

    Between the last entry and the border that entry is taken.
    """
    height, width = data.shape[2:]
    inside = (y >= 0) & (x >= 0) & (y < height) & (x < width)
    y, x = y.clamp(0, height - 1), x.clamp(0, width - 1)
    top, left = y.detach().floor(), x.detach().floor()
    flat = data.flatten(2)

    def entries(row: Any, column: Any) -> Any:
        row, column = row.clamp(max=height - 1), column.clamp(max=width - 1)
        index = (row * width + column).to(torch.int64)
        return flat.gather(2, index[:, None].expand(-1, flat.shape[1], -1))

    down, right = (y - top)[:, None], (x - left)[:, None]
    upper = entries(top, left) * (1 - right) + entries(top, left + 1) * right
    lower = entries(top + 1, left) * (1 - right) + entries(top + 1, left + 1) * right
    return (upper * (1 - down) + lower * down) * inside[:, None]
