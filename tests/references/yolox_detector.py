"""YOLOX's neck, head, assignment and losses in PyTorch, stated from the paper (Ge et al. 2021).

Layers have the names of the authors' code. The assignment goes through single boxes and cells.
"""

import torch
from torch import nn
from torch.nn import functional

from tests.references.yolox import Conv, CrossStage


class Neck(nn.Module):
    """Maps of strides 8, 16 and 32, first from the deepest down, then back."""

    def __init__(self, channels):
        super().__init__()
        small, middle, large = channels
        self.lateral_conv0 = Conv(large, middle, 1)
        self.C3_p4 = Merge(2 * middle, middle)
        self.reduce_conv1 = Conv(middle, small, 1)
        self.C3_p3 = Merge(2 * small, small)
        self.bu_conv2 = Conv(small, small, 3, 2)
        self.C3_n3 = Merge(2 * small, middle)
        self.bu_conv1 = Conv(middle, middle, 3, 2)
        self.C3_n4 = Merge(2 * middle, large)

    def forward(self, maps):
        small, middle, large = maps
        top = self.lateral_conv0(large)
        level = self.C3_p4(torch.cat([repeated(top, middle), middle], 1))
        between = self.reduce_conv1(level)
        first = self.C3_p3(torch.cat([repeated(between, small), small], 1))
        second = self.C3_n3(torch.cat([self.bu_conv2(first), between], 1))
        third = self.C3_n4(torch.cat([self.bu_conv1(second), top], 1))
        return first, second, third


class Merge(CrossStage):
    """A cross-stage layer with one block, without sums, of twice the channels."""

    def __init__(self, inputs, outputs):
        super().__init__(outputs, 1, has_sum=False)
        self.conv1, self.conv2 = (Conv(inputs, outputs // 2, 1) for _ in range(2))


def repeated(x, like):
    x = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
    return x[:, :, : like.shape[2], : like.shape[3]]


class Head(nn.Module):
    def __init__(self, inputs, channels, classes):
        super().__init__()

        def pair():
            return nn.Sequential(Conv(channels, channels, 3), Conv(channels, channels, 3))

        self.stems = nn.ModuleList(Conv(number, channels, 1) for number in inputs)
        self.cls_convs = nn.ModuleList(pair() for _ in inputs)
        self.reg_convs = nn.ModuleList(pair() for _ in inputs)
        self.cls_preds = nn.ModuleList(nn.Conv2d(channels, classes, 1) for _ in inputs)
        self.reg_preds = nn.ModuleList(nn.Conv2d(channels, 4, 1) for _ in inputs)
        self.obj_preds = nn.ModuleList(nn.Conv2d(channels, 1, 1) for _ in inputs)

    def forward(self, levels):
        """Class logits (B, A, C), xyxy boxes (B, A, 4), objectness (B, A), cells (A, 3)."""
        rows, cells = [[], [], []], []
        for number, level in enumerate(levels):
            stem = self.stems[number](level)
            of_boxes = self.reg_convs[number](stem)
            maps = [
                self.cls_preds[number](self.cls_convs[number](stem)),
                self.reg_preds[number](of_boxes),
                self.obj_preds[number](of_boxes),
            ]
            stride = 8 * 2**number
            y, x = torch.meshgrid(
                torch.arange(level.shape[2]), torch.arange(level.shape[3]), indexing="ij"
            )
            corner = torch.stack([x, y], -1).reshape(-1, 2) * stride
            logits, offsets, objectness = (m.flatten(2).transpose(1, 2) for m in maps)
            center, side = corner + offsets[..., :2] * stride, offsets[..., 2:].exp() * stride
            boxes = torch.cat([center - side / 2, center + side / 2], -1)
            for kind, values in zip(rows, (logits, boxes, objectness[..., 0])):
                kind.append(values)
            cells.append(torch.cat([corner + stride / 2, torch.full((len(corner), 1), stride)], 1))
        return *(torch.cat(kind, 1) for kind in rows), torch.cat(cells)


def overlap(a, b):
    """(n, m) IoU of (n, 4) and (m, 4) boxes."""
    low = torch.maximum(a[:, None, :2], b[None, :, :2])
    high = torch.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = (high - low).clamp(min=0).prod(-1)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(-1) for boxes in (a, b)]
    return shared / (areas[0][:, None] + areas[1][None] - shared)


@torch.no_grad()
def simota(logits, boxes, objectness, cells, truth, labels):
    """Index of the true box of each cell of one image, -1 for none; and their IoU (n, A)."""
    owner = torch.full((len(cells),), -1)
    if not len(truth):
        return owner, torch.zeros(0, len(cells))
    centers = (truth[:, :2] + truth[:, 2:]) / 2
    away = (cells[None, :, :2] - centers[:, None]).abs().amax(-1)
    near = away < 1.5 * cells[:, 2]
    candidates = near.any(0).nonzero()[:, 0]
    iou = overlap(truth, boxes)
    scores = (logits.sigmoid() * objectness.sigmoid()[:, None]).sqrt()
    cost = torch.full(iou.shape, torch.inf, dtype=iou.dtype)
    for row, label in enumerate(labels):
        goal = functional.one_hot(label, logits.shape[1]).to(scores)
        for cell in candidates:
            entropy = functional.binary_cross_entropy(scores[cell], goal, reduction="sum")
            cost[row, cell] = entropy - 3 * torch.log(iou[row, cell] + 1e-8)
            cost[row, cell] += 0 if near[row, cell] else 1e6
    takers = [[] for _ in cells]
    for row in range(len(truth)):
        among = iou[row, candidates]
        count = max(1, int(among.topk(min(10, len(among))).values.sum()))
        for cell in candidates[cost[row, candidates].topk(count, largest=False).indices]:
            takers[cell].append(row)
    for cell, rows in enumerate(takers):
        if len(rows) == 1:
            owner[cell] = rows[0]
        elif rows:
            owner[cell] = cost[:, cell].argmin()
    return owner, iou


def losses(logits, boxes, objectness, cells, truth, labels):
    """Class, box (times 5) and objectness loss of one image, and the owner of each cell."""
    owner, iou = simota(logits, boxes, objectness, cells, truth, labels)
    positive = (owner >= 0).nonzero()[:, 0]
    count, rows = max(1, len(positive)), owner[positive]
    entropy = functional.binary_cross_entropy_with_logits
    background = entropy(objectness, (owner >= 0).to(objectness), reduction="sum")
    if not len(positive):
        return 0 * logits.sum(), 0 * boxes.sum(), background / count, owner
    quality = iou[rows, positive][:, None]
    goal = functional.one_hot(labels[rows], logits.shape[1]) * quality
    of_classes = entropy(logits[positive], goal, reduction="sum")
    found = overlap(boxes[positive], truth[rows]).diagonal()
    return of_classes / count, 5 * (1 - found**2).sum() / count, background / count, owner
