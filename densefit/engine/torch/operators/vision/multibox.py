"""Anchors, targets and detections of single-shot detectors."""

from __future__ import annotations

from typing import Any

import torch

from densefit.engine.torch.operators.attributes import Attributes
from densefit.engine.torch.operators.registry import Compute, operator
from densefit.engine.torch.operators.vision.box_overlap import intersections
from densefit.engine.torch.operators.vision.nms import Hits, suppress

_LEAST = 1e-6  # IoU of an anchor that is matched because it is the best


@operator("_contrib_MultiBoxPrior", "_npx_multibox_prior")
def multibox_prior(attrs: Attributes) -> Compute:
    """Anchors (1, H * W * A, 4) of a feature map, as shares of the image."""
    sizes, ratios = attrs.numbers("sizes", (1.0,)), attrs.numbers("ratios", (1.0,))
    steps, offsets = attrs.numbers("steps", (-1.0, -1.0)), attrs.numbers("offsets", (0.5, 0.5))
    clips = attrs.flag("clip")

    def compute(run: Any, data: Any) -> Any:
        height, width = data.shape[2:]
        step = steps if min(steps) > 0 else (1 / height, 1 / width)
        new = {"device": data.device, "dtype": torch.float32}
        y, x = (
            (torch.arange(length, **new) + offset) * torch.tensor(s, **new)
            for length, offset, s in zip((height, width), offsets, step)
        )
        pairs = [(size, ratios[0]) for size in sizes]
        pairs += [(sizes[0], ratio) for ratio in ratios[1:]]
        size, ratio = (torch.tensor(column, **new) for column in zip(*pairs))
        ratio = torch.sqrt(ratio)
        half_w, half_h = size * height / width * ratio / 2, size / ratio / 2
        y, x = y[:, None, None], x[None, :, None]
        parts = (x - half_w, y - half_h, x + half_w, y + half_h)
        shape = (height, width, len(pairs))
        boxes = torch.stack([part.expand(shape) for part in parts], dim=-1).reshape(1, -1, 4)
        return (boxes.clamp(0, 1) if clips else boxes).to(data.dtype)

    return compute


@operator("_contrib_MultiBoxTarget", "_npx_multibox_target")
def multibox_target(attrs: Attributes) -> Compute:
    """Offsets and their mask (B, A * 4), and classes (B, A) of the anchors; no gradient.

    An image without objects is background, or `minimum_negative_samples` of it with mining.
    MXNet's leaves such an image out on a CPU.
    """
    threshold, ignored = attrs.number("overlap_threshold", 0.5), attrs.number("ignore_label", -1.0)
    ratio = attrs.number("negative_mining_ratio", -1.0)
    hard, least = (
        attrs.number("negative_mining_thresh", 0.5),
        attrs.whole("minimum_negative_samples", 0),
    )
    variances = attrs.numbers("variances", (0.1, 0.1, 0.2, 0.2))

    @torch.no_grad()
    def compute(run: Any, anchors: Any, labels: Any, scores: Any) -> Any:
        boxes = anchors[0]
        if not labels.is_meta:  # columns of padding cost as much as objects
            present = (labels[..., 0] != -1).cumprod(1)
            labels = labels[:, : max(1, int(present.sum(1).max()))]
        present = (labels[..., 0] != -1).cumprod(1).bool()
        iou = _iou(boxes, labels[..., 1:5]).masked_fill(~present[:, None], -1.0)
        matched, positive = _match(iou, threshold)
        chosen = labels.gather(1, matched[..., None].expand(-1, -1, labels.shape[2]))
        if ratio > 0:
            negative = _mine(iou.amax(2), positive, scores, present, ratio, hard, least)
        else:
            negative = ~positive
        classes = torch.full_like(positive, ignored, dtype=labels.dtype).masked_fill(negative, 0)
        classes = torch.where(positive, chosen[..., 0] + 1, classes)
        offsets = _encode(boxes, chosen[..., 1:5], variances)
        offsets = torch.where(positive[..., None], offsets, 0.0)
        mask = positive[..., None].expand_as(offsets).to(labels.dtype)
        return offsets.flatten(1), mask.flatten(1), classes

    return compute


def _iou(anchors: Any, objects: Any) -> Any:
    """(B, A, G)."""
    anchor, box = anchors[None, :, None], objects[:, None]
    shared = intersections(anchor.unbind(-1), box.unbind(-1))
    sizes = ((sides[..., 2:] - sides[..., :2]).prod(-1) for sides in (anchor, box))
    union = sum(sizes) - shared
    return torch.where(union == 0, 0.0, shared / union)


def _match(iou: Any, threshold: float) -> tuple[Any, Any]:
    """(object of each anchor, whether it is positive), both (B, A).

    First pairs by falling IoU, each anchor and object once; then anchors above the threshold.
    """
    batch, _, objects = iou.shape
    matched = iou.argmax(2)
    positive = torch.zeros_like(matched, dtype=torch.bool)
    rows = torch.arange(batch, device=iou.device)
    free = iou.clone()
    for _ in range(objects):
        most, best = free.flatten(1).max(1)
        good = most > _LEAST
        if not iou.is_meta and not bool(good.any()):
            break
        anchor, target = best // objects, best % objects
        matched[rows, anchor] = torch.where(good, target, matched[rows, anchor])
        positive[rows, anchor] |= good
        free[rows, anchor] = torch.where(good[:, None], -1.0, free[rows, anchor])
        free[rows, :, target] = torch.where(good[:, None], -1.0, free[rows, :, target])
    if threshold > 0:
        positive = positive | (iou.amax(2) > threshold)
    return matched, positive


def _mine(
    best: Any, positive: Any, scores: Any, present: Any, ratio: float, hard: float, least: int
) -> Any:
    """Which anchors (B, A) are background: those with the least probability of it."""
    quota = (positive.sum(1) * ratio).to(torch.int64)
    quota = torch.where(present.any(1), quota, least)
    candidate = ~positive & (best < hard)
    probability = torch.softmax(scores, dim=1)[:, 0]
    probability = probability.masked_fill(~candidate, torch.inf)
    rank = torch.sort(torch.sort(probability, dim=1, stable=True).indices, dim=1).indices
    return candidate & (rank < quota[:, None])


def _encode(anchors: Any, objects: Any, variances: tuple[float, ...]) -> Any:
    sides, goals = anchors[..., 2:] - anchors[..., :2], objects[..., 2:] - objects[..., :2]
    shift = (objects[..., :2] + objects[..., 2:]) * 0.5 - (
        anchors[..., :2] + anchors[..., 2:]
    ) * 0.5
    return torch.cat(
        [
            shift / sides / anchors.new_tensor(variances[:2]),
            torch.log(goals / sides) / anchors.new_tensor(variances[2:]),
        ],
        dim=-1,
    )


@operator("_contrib_MultiBoxDetection", "_npx_multibox_detection")
def multibox_detection(attrs: Attributes) -> Compute:
    """(B, A, 6) [class, score, box] by falling score, class -1 if suppressed; no gradient."""
    threshold, overlap = attrs.number("threshold", 0.01), attrs.number("nms_threshold", 0.5)
    clips, by_class = attrs.flag("clip", True), not attrs.flag("force_suppress")
    topk = attrs.whole("nms_topk", -1)
    variances = attrs.numbers("variances", (0.1, 0.1, 0.2, 0.2))

    @torch.no_grad()
    def compute(run: Any, probability: Any, offsets: Any, anchors: Any) -> Any:
        boxes = _decode(anchors[0], offsets.reshape(offsets.shape[0], -1, 4), variances)
        score, label = probability[:, 1:].max(1)
        present = (score > -1) & (score >= threshold)
        rows = torch.cat(
            [
                label[..., None].to(score.dtype),
                score[..., None],
                boxes.clamp(0, 1) if clips else boxes,
            ],
            dim=-1,
        )
        # Detections first, in their order; the rest is -1.
        rows = _take(rows, torch.sort(~present, dim=1, stable=True).indices)
        count = present.sum(1, keepdim=True)
        number = torch.arange(rows.shape[1], device=rows.device)
        filled = number < count
        if not 0 < overlap <= 1:
            return rows.masked_fill(~filled[..., None], -1)
        key = rows[..., 1].masked_fill(~filled, -torch.inf)
        best = torch.sort(key, dim=1, descending=True, stable=True).indices
        entering = filled & (number < topk) if topk > 0 else filled
        rows = torch.where(entering[..., None], _take(rows, best), rows)
        length = rows.shape[1] if rows.is_meta else max(1, int(entering.sum(1).max()))
        stays = suppress(entering[:, :length], _overlaps(rows[:, :length], overlap, by_class))
        stays = torch.nn.functional.pad(stays, (0, rows.shape[1] - length))
        classes = rows[..., :1].masked_fill(~stays[..., None], -1)
        rows = torch.cat([classes, rows[..., 1:]], dim=-1)
        return rows.masked_fill(~filled[..., None], -1)

    return compute


def _take(rows: Any, order: Any) -> Any:
    return rows.gather(1, order[..., None].expand_as(rows))


def _decode(anchors: Any, offsets: Any, variances: tuple[float, ...]) -> Any:
    sides, centers = anchors[..., 2:] - anchors[..., :2], (anchors[..., :2] + anchors[..., 2:]) / 2
    center = offsets[..., :2] * offsets.new_tensor(variances[:2]) * sides + centers
    half = torch.exp(offsets[..., 2:] * offsets.new_tensor(variances[2:])) * sides / 2
    return torch.cat([center - half, center + half], dim=-1)


def _overlaps(rows: Any, overlap: float, by_class: bool) -> Hits:
    label, _, *sides = (column.contiguous() for column in rows.unbind(-1))
    sizes = (sides[2] - sides[0]) * (sides[3] - sides[1])

    def hits(first: slice, second: slice) -> Any:
        sides_1, sides_2 = ([side[:, part] for side in sides] for part in (first, second))
        shared = intersections([s[:, :, None] for s in sides_1], [s[:, None] for s in sides_2])
        union = sizes[:, first, None] + sizes[:, None, second] - shared
        hit = (shared / union >= overlap) & (union > 0)
        if by_class:
            hit &= label[:, first, None] == label[:, None, second]
        return hit

    return hits
