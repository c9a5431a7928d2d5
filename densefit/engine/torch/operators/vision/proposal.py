"""Region proposals of a two-stage detector."""

from __future__ import annotations

import math
from typing import Any

import torch

from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.operators.registry import Compute, operator
from densefit.engine.torch.operators.vision.nms import Hits, suppress


@operator("_contrib_Proposal", "_contrib_MultiProposal")
def proposal(attrs: Attributes) -> Compute:
    """(regions [image, x1, y1, x2, y2], scores) of the best boxes of each image; no gradient.

    Boxes repeat where suppression leaves too few. MXNet's Proposal takes one image only.
    """
    before, after = attrs.whole("rpn_pre_nms_top_n", 6000), attrs.whole("rpn_post_nms_top_n", 300)
    overlap, least = attrs.number("threshold", 0.7), attrs.number("rpn_min_size", 16)
    stride, is_shift = attrs.whole("feature_stride", 16), attrs.flag("iou_loss")
    scales = attrs.numbers("scales", (4.0, 8.0, 16.0, 32.0))
    ratios = attrs.numbers("ratios", (0.5, 1.0, 2.0))
    base = [_anchor(scale, ratio, stride) for ratio in ratios for scale in scales]

    @torch.no_grad()
    def compute(run: Any, scores: Any, offsets: Any, info: Any) -> Any:
        images, _, height, width = scores.shape
        count = len(base)
        score = scores[:, count:].permute(0, 2, 3, 1)
        offsets = offsets.unflatten(1, (count, 4)).permute(0, 3, 4, 1, 2)
        boxes = _decode(_grid(base, stride, height, width, scores), offsets, is_shift)
        limits = (info[:, [1, 0]] - 1.0)[:, None, None, None]
        boxes = torch.minimum(boxes, limits.repeat(1, 1, 1, 1, 2)).clamp(min=0.0)
        real = (info[:, :2] / stride).floor()
        row, column = (torch.arange(n, device=scores.device) for n in (height, width))
        outside = (row >= real[:, :1])[:, :, None] | (column >= real[:, 1:2])[:, None]
        score = torch.where(outside[..., None], -1.0, score)
        smallest = (least * info[:, 2])[:, None, None, None]
        is_small = (boxes[..., 2:] - boxes[..., :2] + 1.0).amin(-1) < smallest
        growth = torch.stack([-smallest, -smallest, smallest, smallest], dim=-1) / 2
        boxes = torch.where(is_small[..., None], boxes + growth, boxes).reshape(images, -1, 4)
        score = torch.where(is_small, -1.0, score).reshape(images, -1)
        entering = min(before, score.shape[1]) if before > 0 else score.shape[1]
        score, order = torch.sort(score, dim=1, descending=True, stable=True)
        score, order = score[:, :entering], order[:, :entering]
        boxes = boxes.gather(1, order[..., None].expand(-1, -1, 4))
        stays = suppress(torch.ones_like(order, dtype=torch.bool), _overlaps(boxes, overlap))
        number = torch.arange(after, device=scores.device)
        count_left = stays.sum(1, keepdim=True).clamp(max=min(after, entering))
        chosen = torch.sort(~stays, dim=1, stable=True).indices.gather(1, number % count_left)
        image = torch.arange(images, device=scores.device).repeat_interleave(after)
        regions = boxes.gather(1, chosen[..., None].expand(-1, -1, 4)).reshape(-1, 4)
        regions = torch.cat([image[:, None].to(regions.dtype), regions], dim=1)
        return regions, score.gather(1, chosen).reshape(-1, 1)

    return compute


def _anchor(scale: float, ratio: float, stride: int) -> tuple[float, ...]:
    center = 0.5 * (stride - 1.0)
    width = math.floor(math.sqrt(math.floor(stride * stride / ratio)) + 0.5) * scale
    height = math.floor(width / scale * ratio + 0.5) * scale
    x, y = 0.5 * (width - 1.0), 0.5 * (height - 1.0)
    return center - x, center - y, center + x, center + y


def _grid(base: Any, stride: int, height: int, width: int, like: Any) -> Any:
    """Anchors (H, W, A, 4)."""
    y, x = (torch.arange(n, device=like.device, dtype=like.dtype) * stride for n in (height, width))
    x, y = x[None].expand(height, width), y[:, None].expand(height, width)
    return torch.stack([x, y, x, y], dim=-1)[:, :, None] + like.new_tensor(base)


def _decode(anchors: Any, offsets: Any, is_shift: bool) -> Any:
    if is_shift:
        return anchors + offsets
    sides = anchors[..., 2:] - anchors[..., :2] + 1.0
    center = offsets[..., :2] * sides + anchors[..., :2] + 0.5 * (sides - 1.0)
    half = 0.5 * (torch.exp(offsets[..., 2:]) * sides - 1.0)
    return torch.cat([center - half, center + half], dim=-1)


def _overlaps(boxes: Any, overlap: float) -> Hits:
    x1, y1, x2, y2 = (side.contiguous() for side in boxes.unbind(-1))
    sizes = (x2 - x1 + 1) * (y2 - y1 + 1)

    def hits(first: slice, second: slice) -> Any:
        width = torch.minimum(x2[:, first, None], x2[:, None, second]) + 1.0
        width = (width - torch.maximum(x1[:, first, None], x1[:, None, second])).clamp_(min=0)
        height = torch.minimum(y2[:, first, None], y2[:, None, second]) + 1.0
        height = (height - torch.maximum(y1[:, first, None], y1[:, None, second])).clamp_(min=0)
        shared = width.mul_(height)
        return shared / (sizes[:, first, None] + sizes[:, None, second] - shared) > overlap

    return hits
