"""Areas, intersections and IoU of boxes, and their one-to-one assignment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.operators.registry import Compute, operator


def areas(boxes: Any, is_center: bool = False) -> Any:
    """Areas of (..., 4) boxes; 0 where a side is negative."""
    sides = boxes[..., 2:] if is_center else boxes[..., 2:] - boxes[..., :2]
    return torch.where((sides < 0).any(-1), 0.0, sides[..., 0] * sides[..., 1])


def corners(boxes: Any, is_center: bool = False) -> Any:
    """(..., 4) boxes as x1, y1, x2, y2."""
    if not is_center:
        return boxes
    center, half = boxes[..., :2], boxes[..., 2:] / 2
    return torch.cat([center - half, center + half], dim=-1)


def intersections(first: Sequence[Any], second: Sequence[Any]) -> Any:
    """Area that boxes x1, y1, x2, y2 share, broadcast."""
    width = (
        torch.minimum(first[2], second[2]).sub_(torch.maximum(first[0], second[0])).clamp_(min=0)
    )
    height = (
        torch.minimum(first[3], second[3]).sub_(torch.maximum(first[1], second[1])).clamp_(min=0)
    )
    return width.mul_(height)


@operator("_contrib_box_iou")
def box_iou(attrs: Attributes) -> Compute:
    """IoU of every box of the first array with every box of the second; no gradient."""
    is_center = attrs.text("format", "corner") == "center"

    def compute(run: Any, lhs: Any, rhs: Any) -> Any:
        first, second = lhs.detach().reshape(-1, 1, 4), rhs.detach().reshape(1, -1, 4)
        shared = intersections(*(corners(b, is_center).unbind(-1) for b in (first, second)))
        union = areas(first, is_center) + areas(second, is_center) - shared
        iou = torch.where(shared > 0, shared / union, 0.0)
        return iou.reshape(*lhs.shape[:-1], *rhs.shape[:-1])

    return compute


@operator("_contrib_bipartite_matching")
def bipartite_matching(attrs: Attributes) -> Compute:
    """(column of each row, row of each column) by falling score, each once; -1 without one.

    As in MXNet `topk` allows one more than its value.
    """
    threshold, topk = attrs.number("threshold"), attrs.whole("topk", -1)
    sign = -1.0 if attrs.flag("is_ascend") else 1.0

    @torch.no_grad()
    def compute(run: Any, data: Any) -> Any:
        height, width = data.shape[-2:]
        scores = (sign * data).reshape(-1, height, width).clone()
        rows = scores.new_full((len(scores), height), -1.0)
        columns = scores.new_full((len(scores), width), -1.0)
        number = torch.arange(len(scores), device=data.device)
        rounds = min(height, width) if topk <= 0 else min(height, width, topk + 1)
        for _ in range(rounds):
            most, best = scores.flatten(1).max(1)
            good = (most > sign * threshold)[:, None]
            row, column = best // width, best % width
            rows[number, row] = torch.where(good[:, 0], column.to(rows.dtype), rows[number, row])
            columns[number, column] = torch.where(
                good[:, 0], row.to(rows.dtype), columns[number, column]
            )
            scores[number, row] = -torch.inf
            scores[number, :, column] = -torch.inf
        return rows.reshape(data.shape[:-1]), columns.reshape(*data.shape[:-2], width)

    return compute


@operator("_contrib_box_encode")
def box_encode(attrs: Attributes) -> Compute:
    """(offsets, mask) of anchors towards the boxes that they are matched with; no gradient."""

    @torch.no_grad()
    def compute(
        run: Any, samples: Any, matches: Any, anchors: Any, refs: Any, means: Any, stds: Any
    ) -> Any:
        index = matches.to(torch.int64).clamp(0, refs.shape[1] - 1)
        boxes = refs.gather(1, index[..., None].expand(-1, -1, 4))
        sides, goals = anchors[..., 2:] - anchors[..., :2], boxes[..., 2:] - boxes[..., :2]
        shift = boxes[..., :2] + goals * 0.5 - (anchors[..., :2] + sides * 0.5)
        offsets = torch.cat([shift / sides, torch.log(goals / sides)], dim=-1)
        mask = (samples > 0.5)[..., None].expand_as(offsets)
        return torch.where(mask, (offsets - means) / stds, 0.0), mask.to(offsets.dtype)

    return compute


@operator("_contrib_box_decode")
def box_decode(attrs: Attributes) -> Compute:
    """Boxes x1, y1, x2, y2 of offsets from anchors; no gradient."""
    stds = [attrs.number(f"std{number}", 1.0) for number in range(4)]
    most, is_corner = attrs.number("clip", -1.0), attrs.text("format", "center") == "corner"

    @torch.no_grad()
    def compute(run: Any, data: Any, anchors: Any) -> Any:
        offsets = data * data.new_tensor(stds)
        center, sides = anchors[..., :2], anchors[..., 2:]
        if is_corner:
            sides = sides - center
            center = center + sides * 0.5
        growth = offsets[..., 2:].clamp(max=most) if most > 0 else offsets[..., 2:]
        center, half = offsets[..., :2] * sides + center, torch.exp(growth) * sides * 0.5
        return torch.cat([center - half, center + half], dim=-1)

    return compute
