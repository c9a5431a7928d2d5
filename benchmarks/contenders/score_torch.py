"""PyTorch's evaluation of the same network, scored by torchmetrics; run by score_speed.py.

Pictures of one size come in batches, those of many sizes one at a time, as PyTorch users have it.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from score_cases import Case
from side_by_side import serve
from torch.utils.data import DataLoader, Dataset
from torch_networks import DeepLab, load
from torchmetrics.classification import MulticlassJaccardIndex

from densefit.data.io.image import planes


class Pictures(Dataset):  # type: ignore[type-arg]
    """(picture, mask) of samples."""

    def __init__(self, dataset: Any) -> None:
        self._dataset = dataset

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        sample = self._dataset[index]
        image = planes(sample.image)
        return torch.from_numpy(image), torch.from_numpy(sample.targets["mask"])


def _begin(number: int) -> None:
    cv2.setNumThreads(0)


def main() -> None:
    """Serve whole scores."""
    parser = argparse.ArgumentParser()
    parser.add_argument("case")
    parser.add_argument("root")
    parser.add_argument("--images", type=int, required=True)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--given", type=Path, required=True, help="parameters")
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("--compile", action="store_true", help="with weights frozen")
    options = parser.parse_args()
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    case = Case.of(options.case, options.root, options.images)
    net: Any = DeepLab(channels=96, classes=len(case.classes), rates=(3, 6, 9))
    load(net, dict(np.load(options.given)))
    net.eval()
    if options.channels_last:
        net = net.to(memory_format=torch.channels_last)
    if options.compile:
        dynamic = False if options.case == "camvid" else None
        net = torch.compile(net, dynamic=dynamic, options={"freezing": True})
    loader = DataLoader(
        Pictures(case.dataset),
        batch_size=4 if options.case == "camvid" else 1,
        num_workers=options.workers,
        persistent_workers=True,
        worker_init_fn=_begin,
    )

    def score() -> float:
        metric = MulticlassJaccardIndex(len(case.classes), ignore_index=255, validate_args=False)
        with torch.no_grad():
            for data, masks in loader:
                if options.channels_last:
                    data = data.contiguous(memory_format=torch.channels_last)
                logits = F.interpolate(
                    net(data), scale_factor=4.0, mode="bilinear", align_corners=False
                )
                logits = logits[:, :, : masks.shape[1], : masks.shape[2]]
                metric.update(logits.argmax(1), masks.long())
        return float(metric.compute())

    def work(count: int) -> float:
        begun = time.perf_counter()
        for _ in range(count):
            score()
        return time.perf_counter() - begun

    found = score()
    serve({"images": len(case.dataset), "mIoU": found}, work)


if __name__ == "__main__":
    main()
