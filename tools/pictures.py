"""Predictions drawn on the pictures that they were made for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from densefit.data.loader import Loader
from densefit.data.sample import Dataset
from densefit.model.network import Network
from densefit.predict.drawing import grid
from densefit.predict.predictor import predict


class Subset:
    """Some of a dataset's samples, by index."""

    def __init__(self, dataset: Dataset, indices: list[int]) -> None:
        self.dataset, self.indices = dataset, indices
        self.classes = dataset.classes

    def __getattr__(self, name: str) -> Any:
        if not name.endswith("_classes") and name != "keypoint_names":
            raise AttributeError(name)
        return getattr(self.dataset, name)  # names of the numbers in targets

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Any:
        return self.dataset[self.indices[index]]

    def id_of(self, index: int) -> str:
        """Id of a sample."""
        return self.dataset.id_of(self.indices[index])


def write_predictions(network: Network, loader: Loader, path: Path, count: int = 6) -> None:
    """A PNG of `count` samples spread over the loader's dataset, each head's predictions drawn."""
    total = len(loader.dataset)
    chosen = sorted({round(i * (total - 1) / max(1, count - 1)) for i in range(count)})
    subset = Subset(loader.dataset, chosen)
    images, captions = [], []
    some = Loader(subset, batch_size=len(chosen), transform=loader.transform, workers=0)
    for index, (key, predictions) in enumerate(predict(network, some)):
        images.append(drawn(network, subset[index].image, predictions))
        captions.append(key)
    write_image(path, grid(images, columns=min(3, len(images)), captions=captions))


def drawn(network: Network, image: np.ndarray, predictions: dict[str, Any]) -> np.ndarray:
    """The (H, W, 3) picture with all heads' predictions: areas under outlines under text."""
    for head in network.heads:
        image = head.draw(image, predictions[head.name])
    return image


def write_image(path: Path, image: np.ndarray) -> None:
    """Write an RGB picture; the format follows the path's extension."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(path), cv2.cvtColor(image, cv2.COLOR_RGB2BGR)):
        raise OSError(f"cannot write {path}")


def resized(image: np.ndarray, smallest: int, largest: int) -> np.ndarray:
    """The picture with a longer side of `smallest` to `largest` pixels, as far as whole factors go.

    Small ones become larger by a whole factor, so that single pixels can be told.
    """
    longer = max(image.shape[:2])
    if longer > largest:
        factor, how = largest / longer, cv2.INTER_AREA
    else:
        factor, how = float(max(1, smallest // longer)), cv2.INTER_NEAREST
    if factor == 1.0:
        return image
    height, width = (max(1, round(side * factor)) for side in image.shape[:2])
    return cv2.resize(image, (width, height), interpolation=how)
