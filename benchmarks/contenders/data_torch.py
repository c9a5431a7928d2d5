"""PyTorch's DataLoader over a recipe's training data; run by data_speed.py.

What it does to a picture is the very code that densefit's loader runs: reading, OpenCV's and
numpy's transforms, the head's targets. What differs is who calls it and how batches are made.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import cv2
import numpy as np
import torch
from data_cases import RECIPES, Case
from side_by_side import serve
from torch.utils.data import DataLoader, Dataset

from densefit.data.io.image import planes
from densefit.data.sampler import sample_rng


class Pictures(Dataset):  # type: ignore[type-arg]
    """Samples as dicts of arrays."""

    def __init__(self, case: Case) -> None:
        self._dataset, self._transform, self._heads = case.dataset, case.transform, case.heads

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, index: int) -> dict[str, Any]:
        rng = sample_rng(0, int(torch.randint(1 << 30, ())), index)
        sample = self._transform(self._dataset[index], rng)
        made = {"data": planes(sample.image)}
        for head in self._heads:
            for name, value in head.encode(sample).items():
                made[f"{head.name}_{name}"] = np.asarray(value)
        return made


def _begin(number: int) -> None:
    cv2.setNumThreads(0)


def main() -> None:
    """Serve epochs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("case", choices=RECIPES)
    parser.add_argument("root")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(1)
    case = Case.of(options.case, options.root)
    loader = DataLoader(
        Pictures(case),
        batch_size=case.recipe.training.batch_size,
        shuffle=True,
        drop_last=True,
        num_workers=options.workers,
        persistent_workers=True,
        worker_init_fn=_begin,
    )

    def work(count: int) -> float:
        begun = time.perf_counter()
        for _ in range(count):
            for _ in loader:
                pass
        return time.perf_counter() - begun

    work(1)
    serve({"images": len(loader) * case.recipe.training.batch_size}, work)


if __name__ == "__main__":
    main()
