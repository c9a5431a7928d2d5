"""Images of a dataset in memory, at the network's input size."""

from __future__ import annotations

from collections.abc import Callable
from itertools import cycle, islice
from typing import Any

import numpy as np

from densefit.data.sample import Dataset
from densefit.data.subset import Subset


def spread(dataset: Dataset, count: int) -> Subset:
    """Samples at even distances in a dataset."""
    indices = np.linspace(0, len(dataset) - 1, count).round().astype(int)
    return Subset(dataset, indices.tolist())


def images_of(dataset: Dataset, loader: Callable[[Dataset], Any], count: int) -> list[np.ndarray]:
    """Images as the network gets them, (H, W, 3) uint8; repeated if the dataset has fewer.

    Args:
        dataset: the samples.
        loader: function that makes a loader of samples.
        count: number of images.
    """
    images: list[np.ndarray] = []
    with loader(spread(dataset, min(count, len(dataset)))) as batches:
        for batch in batches:
            rows = np.asarray(batch.data["data"])[: batch.real].transpose(0, 2, 3, 1)
            images += list(np.ascontiguousarray(rows).astype(np.uint8))
    return list(islice(cycle(images), count))
