"""Non-maximum suppression."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import torch

from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.operators.registry import Compute, operator
from densefit.engine.torch.operators.vision.box_overlap import areas, corners, intersections

_BLOCK = 256  # candidates that are compared at once; bounds the memory

Hits: TypeAlias = Callable[[slice, slice], Any]


@operator("_contrib_box_nms", "_contrib_box_non_maximum_suppression")
def box_nms(attrs: Attributes) -> Compute:
    """(..., N, width) -> the boxes that no better one overlaps, by falling score; else -1.

    As in MXNet equal scores keep their order, `topk` counts candidates before suppression, and a
    box whose first coordinate is negative is not converted to `out_format`.
    """
    overlap, least = attrs.number("overlap_thresh", 0.5), attrs.number("valid_thresh", 0.0)
    topk, start = attrs.whole("topk", -1), attrs.whole("coord_start", 2)
    score, label = attrs.whole("score_index", 1), attrs.whole("id_index", -1)
    background = attrs.whole("background_id", -1)
    by_class = label >= 0 and not attrs.flag("force_suppress")
    source, target = attrs.text("in_format", "corner"), attrs.text("out_format", "corner")

    def compute(run: Any, data: Any) -> Any:
        rows = data.reshape(-1, *data.shape[-2:])
        most = rows.shape[1] if topk < 0 else min(topk, rows.shape[1])
        if most < 1 or data.numel() == 0:
            return data
        with torch.no_grad():
            valid = rows[..., score] > least
            if label >= 0:
                valid &= rows[..., label] != background
            scores = torch.where(valid, rows[..., score], -torch.inf)
            order = torch.sort(scores, dim=1, descending=True, stable=True).indices
            if not data.is_meta:
                most = max(1, min(most, int(valid.sum(1).max())))
            order = order[:, :most]
            candidates = _rows_at(rows, order)
            stays = suppress(
                valid.gather(1, order),
                _overlaps(
                    candidates[..., start : start + 4],
                    candidates[..., label].to(torch.int32) if by_class else None,
                    overlap,
                    source == "center",
                ),
            )
            last = torch.sort(~stays, dim=1, stable=True).indices  # kept ones first
            order, stays = order.gather(1, last), stays.gather(1, last)
        best = _rows_at(rows, order).masked_fill(~stays[..., None], -1)
        if source != target:
            best = _convert(best, start, target == "center")
        best = torch.nn.functional.pad(best, (0, 0, 0, rows.shape[1] - most), value=-1.0)
        return best.reshape(data.shape)

    return compute


def _rows_at(rows: Any, order: Any) -> Any:
    return rows.gather(1, order[..., None].expand(-1, -1, rows.shape[2]))


def suppress(valid: Any, hits: Hits) -> Any:
    """Which candidates (B, K) stay, where each suppresses what it hits further on.

    In blocks: first each is suppressed by what stays of earlier blocks, then by its own.

    Args:
        valid: (B, K), which ones are candidates, by falling score.
        hits: (slice of candidates, another) -> whether they hit, (B, first, second).
    """
    parts: list[Any] = []
    for begin in range(0, valid.shape[1], _BLOCK):
        block = slice(begin, begin + _BLOCK)
        stays = valid[:, block]
        for number, earlier in enumerate(parts):
            hit = hits(slice(number * _BLOCK, (number + 1) * _BLOCK), block)
            stays = stays & ~(hit & earlier[..., None]).any(1)
        parts.append(_greedy(hits(block, block).triu(1), stays))
    return torch.cat(parts, dim=1)


def _overlaps(boxes: Any, labels: Any, overlap: float, is_center: bool) -> Hits:
    """Whether two boxes (B, K, 4) of a class overlap too much."""
    sizes = areas(boxes, is_center)
    sides = [side.contiguous() for side in corners(boxes, is_center).unbind(-1)]

    def hits(first: slice, second: slice) -> Any:
        sides_1, sides_2 = ([side[:, part] for side in sides] for part in (first, second))
        shared = intersections([s[:, :, None] for s in sides_1], [s[:, None] for s in sides_2])
        union = (sizes[:, first, None] + sizes[:, None, second]).sub_(shared)
        hit = shared.div_(union) > overlap
        if labels is not None:
            hit &= labels[:, first, None] == labels[:, None, second]
        return hit

    return hits


def _greedy(hit: Any, valid: Any) -> Any:
    """Which ones stay, where `hit[i, j]` suppresses j if i stays, and i < j.

    The only fixed point of "stays if no earlier one that stays hits it"; after n rounds the first
    n are right, and in practice all are after a few.
    """
    stays = valid
    for _ in range(hit.shape[1]):
        after = valid & ~(hit & stays[..., None]).any(1)
        if hit.is_meta or torch.equal(after, stays):
            break
        stays = after
    return stays


def _convert(rows: Any, start: int, to_center: bool) -> Any:
    a, b = rows[..., start : start + 2], rows[..., start + 2 : start + 4]
    if to_center:
        boxes = torch.cat([(a + b) / 2, b - a], dim=-1)
    else:
        boxes = torch.cat([a - b / 2, a + b / 2], dim=-1)
    boxes = torch.where(a[..., :1] < 0, rows[..., start : start + 4], boxes)
    return torch.cat([rows[..., :start], boxes, rows[..., start + 4 :]], dim=-1)
