"""Cut and sample feature maps: crops, grids, spatial transformers."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F

from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.operators.registry import Compute, operator
from densefit.errors import EngineError


@operator("Crop")
def crop(attrs: Attributes) -> Compute:
    """Cut a map to a size, or to that of the second input, which gets no gradient."""
    offset, size = attrs.wholes("offset", (0, 0)), attrs.wholes("h_w", (0, 0))
    is_centered = attrs.flag("center_crop")

    def compute(run: Any, data: Any, like: Any = None) -> Any:
        height, width = size if like is None else like.shape[2:]
        rest = data.shape[2] - height, data.shape[3] - width
        top, left = (rest[0] // 2, rest[1] // 2) if is_centered else offset
        if min(top, left) < 0 or top > rest[0] or left > rest[1]:
            raise EngineError(
                "A crop reaches beyond its input",
                expected=f"at most {tuple(data.shape[2:])}",
                received=f"{height}x{width} at {top, left}",
                where=f"node {attrs.node.name!r}",
            )
        return data[:, :, top : top + height, left : left + width]

    return compute


@operator("BilinearSampler")
def bilinear_sampler(attrs: Attributes) -> Compute:
    """Sample a map at a grid (N, 2, H, W) of x, y in -1...1; 0 outside."""
    return lambda run, data, grid: _sample(data, grid.permute(0, 2, 3, 1))


@operator("GridGenerator")
def grid_generator(attrs: Attributes) -> Compute:
    """Grid (N, 2, H, W) of an affine transform (N, 6), or of an optical flow (N, 2, H, W)."""
    if attrs.text("transform_type") == "affine":
        height, width = attrs.wholes("target_shape")
        return lambda run, data: _affine(data, height, width).permute(0, 3, 1, 2)

    def compute(run: Any, flow: Any) -> Any:
        y, x = (torch.arange(n, device=flow.device, dtype=flow.dtype) for n in flow.shape[2:])
        shape = flow.shape[2:]
        position = torch.stack([x[None].expand(shape), y[:, None].expand(shape)])
        half = flow.new_tensor([(flow.shape[3] - 1.0) / 2.0, (flow.shape[2] - 1.0) / 2.0])
        return (flow + position) / half[:, None, None] - 1.0

    return compute


@operator("SpatialTransformer")
def spatial_transformer(attrs: Attributes) -> Compute:
    """Sample a map at the grid of an affine transform (N, 6)."""
    height, width = attrs.wholes("target_shape")
    return lambda run, data, transform: _sample(data, _affine(transform, height, width))


def _sample(data: Any, grid: Any) -> Any:
    return F.grid_sample(data, grid, "bilinear", "zeros", align_corners=True)


def _affine(transform: Any, height: int, width: int) -> Any:
    """(N, H, W, 2) x, y."""
    new = {"device": transform.device, "dtype": transform.dtype}
    y, x = (
        torch.arange(n, **new) * (2.0 / (n - 1) if n > 1 else float("nan")) - 1.0
        for n in (height, width)
    )
    x, y = x[None].expand(height, width), y[:, None].expand(height, width)
    position = torch.stack([x, y, torch.ones_like(x)], dim=-1)
    return torch.einsum("hwk,nck->nhwc", position, transform.reshape(-1, 2, 3))
