"""PyTorch's update of the same networks; run by train_speed.py with a Python that has torch.

Written as somebody who knows PyTorch would write them, not translated operator by operator: its
own cross-entropy, interpolation and fused optimizers. Parameters, input and labels are those that
train_densefit.py exported, so that the first losses must agree.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from side_by_side import serve
from torch import nn
from torch_networks import SSD, DeepLab, ResNetClassifier, load

WARM_UP = 3


def classification_loss(net: nn.Module, data: Any, labels: dict[str, Any]) -> Any:
    """Mean cross-entropy."""
    return F.cross_entropy(net(data), labels["classification_label"])


def detection_loss(net: nn.Module, data: Any, labels: dict[str, Any]) -> Any:
    """SSD's loss with hard negative mining, by picture, meaned."""
    scores, offsets = net(data)
    target, box = labels["detection_class"], labels["detection_box"]
    entropy = F.cross_entropy(
        scores.flatten(0, 1), target.flatten().clamp(min=0), reduction="none"
    ).view_as(target)
    positive = target > 0
    positives = positive.sum(1)
    wanted = (positives * 3).clamp(min=10)
    difficulty = torch.where(target == 0, entropy.detach(), entropy.new_tensor(-1.0))
    rank = difficulty.argsort(1, descending=True).argsort(1)
    chosen = positive | ((rank < wanted[:, None]) & (target == 0))
    divisor = positives.clamp(min=1)
    class_loss = (entropy * chosen).sum(1) / divisor
    distance = F.smooth_l1_loss(offsets, box, reduction="none").sum(2)
    box_loss = (distance * positive).sum(1) / divisor
    return (class_loss + box_loss).mean()


def segmentation_loss(net: nn.Module, data: Any, labels: dict[str, Any]) -> Any:
    """Cross-entropy weighted by cell, summed by picture, meaned."""
    entropy = F.cross_entropy(net(data), labels["segmentation_mask"], reduction="none")
    return (entropy * labels["segmentation_weight"]).sum((1, 2)).mean()


LOSSES: dict[str, Callable[..., Any]] = {
    "resnet18": classification_loss,
    "resnet50": classification_loss,
    "ssd": detection_loss,
    "deeplab": segmentation_loss,
}


def network(case: str, columns: int) -> nn.Module:
    """Without the exported parameters."""
    if case == "ssd":
        return SSD(channels=96, columns=4, anchors=4, strides=(8, 16, 32, 64))
    if case == "deeplab":
        return DeepLab(channels=96, classes=columns, rates=(3, 6, 9))
    return ResNetClassifier(int(case[-2:]), columns)


def main() -> None:
    """Serve."""
    parser = argparse.ArgumentParser()
    parser.add_argument("case", choices=LOSSES)
    parser.add_argument("--given", type=Path, required=True, help="what train_densefit exported")
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    given = dict(np.load(options.given))
    parameters = {name[6:]: value for name, value in given.items() if name.startswith("param:")}
    columns = 1000 if options.case.startswith("resnet") else 11
    net = network(options.case, columns)
    load(net, parameters)
    data = torch.from_numpy(given["data"])
    labels = {
        name: torch.from_numpy(value)
        for name, value in given.items()
        if name != "data" and not name.startswith("param:")
    }
    for name in ("classification_label", "detection_class", "segmentation_mask"):
        if name in labels:
            labels[name] = labels[name].long()
    if options.channels_last:
        net = net.to(memory_format=torch.channels_last)
        data = data.contiguous(memory_format=torch.channels_last)
    loss_of = LOSSES[options.case]
    if options.case.startswith("resnet"):
        optimizer: Any = torch.optim.SGD(
            net.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4, fused=True
        )
    else:
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-4, weight_decay=1e-4, fused=True)
    net.train()
    step: Callable[..., Any] = torch.compile(loss_of) if options.compile else loss_of

    def update() -> Any:
        optimizer.zero_grad(set_to_none=True)
        loss = step(net, data, labels)
        loss.backward()
        optimizer.step()
        return loss

    first = float(update().detach())
    for _ in range(WARM_UP - 1):
        update()

    def work(count: int) -> float:
        begun = time.perf_counter()
        for _ in range(count):
            update()
        return time.perf_counter() - begun

    facts = {"loss": first, "parameters": sum(p.numel() for p in net.parameters())}
    serve(facts, work)


if __name__ == "__main__":
    main()
