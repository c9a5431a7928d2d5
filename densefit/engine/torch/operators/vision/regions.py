"""Pooling of regions of feature maps: max, bilinear and position-sensitive."""

from __future__ import annotations

from typing import Any

import torch

from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.operators.registry import Compute, operator

_MOST = 1 << 22  # entries that are compared at once; bounds the memory
_REGIONS = 64  # regions that are pooled at once


@operator("ROIPooling", "_npx_roi_pooling")
def roi_pooling(attrs: Attributes) -> Compute:
    """Largest entry of each cell of regions [image, x1, y1, x2, y2]; (R, C, height, width)."""
    height, width = attrs.wholes("pooled_size")
    scale = attrs.number("spatial_scale")

    def compute(run: Any, data: Any, rois: Any) -> Any:
        images, channels, *size = data.shape
        new = (rois.shape[0], channels, height, width)
        if data.is_meta or not rois.shape[0]:
            return data.new_zeros(new)
        flat = data.reshape(-1)
        image = rois[:, 0].to(torch.int64)
        is_known = (image >= 0) & (image < images)
        first = image.clamp(0, images - 1) * channels * size[0] * size[1]
        base = first[:, None] + torch.arange(channels, device=data.device) * (size[0] * size[1])
        box = _round(rois[:, 1:5].detach() * scale)
        rows, no_rows = _windows(box[:, 1], box[:, 3], height, size[0])
        columns, no_columns = _windows(box[:, 0], box[:, 2], width, size[1])
        empty = no_rows[:, :, None] | no_columns[:, None] | ~is_known[:, None, None]
        cells = rows[:, :, None, :, None] * size[1] + columns[:, None, :, None, :]
        cells = cells.flatten(3).flatten(1, 2)  # (R, cells, entries)
        step = max(1, _MOST // (channels * cells.shape[1] * cells.shape[2]))
        best = []
        with torch.no_grad():
            for begin in range(0, rois.shape[0], step):
                part = slice(begin, begin + step)
                index = base[part, :, None, None] + cells[part, None]
                chosen = flat[index].argmax(3, keepdim=True)
                best.append(index.gather(3, chosen)[..., 0])
        result = flat[torch.cat(best)].reshape(new)
        return result.masked_fill(empty[:, None], 0.0)

    return compute


def _windows(begin: Any, end: Any, count: int, size: int) -> tuple[Any, Any]:
    """Indices (R, count, longest) of the entries of each cell, and which cells are empty.

    Shorter cells repeat their last entry.
    """
    lengths = (end - begin + 1).clamp(min=1)
    share = lengths / count
    number = torch.arange(count, device=begin.device, dtype=begin.dtype)
    first = torch.floor(number * share[:, None]) + begin[:, None]
    after = torch.ceil((number + 1) * share[:, None]) + begin[:, None]
    first, after = (edge.clamp(0, size).to(torch.int64) for edge in (first, after))
    longest = max(1, int((after - first).max()))
    index = first[..., None] + torch.arange(longest, device=begin.device)
    index = torch.minimum(index, after[..., None] - 1).clamp(0, size - 1)
    return index, after <= first


@operator("_contrib_ROIAlign")
def roi_align(attrs: Attributes) -> Compute:
    """Mean of bilinear samples of each cell of regions; (R, C, height, width)."""
    cells = attrs.wholes("pooled_size")
    scale, ratio = attrs.number("spatial_scale"), attrs.whole("sample_ratio", -1)
    by_position, aligned = attrs.flag("position_sensitive"), attrs.flag("aligned")

    def compute(run: Any, data: Any, rois: Any) -> Any:
        rois = rois.detach()
        image = rois[:, 0].to(torch.int64) if rois.shape[1] == 5 else rois.new_zeros(len(rois))
        box = rois[:, -4:] * scale - (0.5 if aligned else 0.0)
        weights = [
            _samples(box[:, axis], box[:, axis + 2], cells[1 - axis], size, ratio, aligned)
            for axis, size in ((1, data.shape[2]), (0, data.shape[3]))
        ]
        pooled = _pool(data, image.to(torch.int64), *weights)
        if by_position:
            pooled = pooled.unflatten(1, (-1, *cells))
            return torch.einsum("rcijij->rcij", pooled)
        return pooled

    return compute


def _samples(begin: Any, end: Any, count: int, size: int, ratio: int, aligned: bool) -> Any:
    """Weights (R, count, size) of the entries in the mean of each cell's samples."""
    length = end - begin if aligned else (end - begin).clamp(min=1.0)
    share = length / count
    number = torch.full_like(share, ratio) if ratio > 0 else torch.ceil(share).clamp(min=1)
    most = ratio if ratio > 0 else 1
    if ratio <= 0 and number.numel() and not number.is_meta:
        most = int(number.max())
    cell = torch.arange(count, device=begin.device, dtype=begin.dtype)[None, :, None]
    sample = torch.arange(most, device=begin.device, dtype=begin.dtype)
    begin, share, number = begin[:, None, None], share[:, None, None], number[:, None, None]
    position = begin + cell * share + (sample + 0.5) * share / number
    counts = (sample < number) & (position >= -1) & (position <= size)
    position = position.clamp(0, size - 1)
    low = position.floor()
    upper = (position - low) * counts / number
    lower = counts / number - upper
    weights = begin.new_zeros(*position.shape[:2], size)
    low = low.to(torch.int64)
    weights.scatter_add_(2, low, lower)
    return weights.scatter_add_(2, (low + 1).clamp(max=size - 1), upper)


@operator("_contrib_PSROIPooling")
def psroi_pooling(attrs: Attributes) -> Compute:
    """Mean of each cell of regions, every cell from its own channels; (R, output_dim, P, P)."""
    scale, dim = attrs.number("spatial_scale"), attrs.whole("output_dim")
    pooled = attrs.whole("pooled_size")
    group = attrs.whole("group_size", 0) or pooled

    def compute(run: Any, data: Any, rois: Any) -> Any:
        box = _round(rois.detach()[:, 1:5])
        box = torch.cat([box[:, :2] * scale, (box[:, 2:] + 1.0) * scale], dim=1)
        weights = [
            _means(box[:, axis], box[:, axis + 2], pooled, size)
            for axis, size in ((1, data.shape[2]), (0, data.shape[3]))
        ]
        means = _pool(data, rois[:, 0].to(torch.int64), *weights)
        cell = torch.arange(pooled, device=data.device)
        part = torch.div(cell * group, pooled, rounding_mode="floor").clamp(0, group - 1)
        channel = part[:, None] * group + part
        channel = torch.arange(dim, device=data.device)[:, None, None] * group**2 + channel
        return means.gather(1, channel.expand(len(rois), dim, pooled, pooled))

    return compute


def _means(begin: Any, end: Any, count: int, size: int) -> Any:
    """Weights (R, count, size) of the entries in the mean of each cell."""
    share = (end - begin).clamp(min=0.1) / count
    cell = torch.arange(count, device=begin.device, dtype=begin.dtype)
    first = torch.floor(cell * share[:, None] + begin[:, None]).clamp(0, size)
    after = torch.ceil((cell + 1) * share[:, None] + begin[:, None]).clamp(0, size)
    entry = torch.arange(size, device=begin.device)
    inside = (entry >= first[..., None]) & (entry < after[..., None])
    return inside / (after - first).clamp(min=1)[..., None]


def _pool(data: Any, image: Any, rows: Any, columns: Any) -> Any:
    """rows @ data @ columns for each region, (R, C, count, count); 0 without an image."""
    images, channels, height, width = data.shape
    result = data.new_zeros(len(image), channels, rows.shape[1], columns.shape[1])
    if data.is_meta:
        return result
    parts, order = [], []
    for number in range(images):
        (members,) = torch.nonzero(image == number, as_tuple=True)
        for chosen in torch.split(members, _REGIONS):
            across = torch.einsum("rph,chw->rpcw", rows[chosen], data[number])
            parts.append(torch.einsum("rpcw,rqw->rcpq", across, columns[chosen]))
            order.append(chosen)
    return result.index_copy(0, torch.cat(order), torch.cat(parts)) if parts else result


def _round(values: Any) -> Any:
    """Nearest whole numbers, halves away from 0."""
    return torch.sign(values) * torch.floor(values.abs() + 0.5)
