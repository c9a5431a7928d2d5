"""`network.predict`: predictions for images, with an engine that is kept between calls."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from densefit.data.io.image import read_image
from densefit.data.loader.sample_task import SampleTransform
from densefit.data.sample import datasets
from densefit.evaluation.image_fit import ImageFit, Transformed
from densefit.evaluation.images import Image, Images, is_single
from densefit.evaluation.predictor import Predictor
from densefit.model.network import Network

_MAKING = threading.Lock()


def network_predict(
    network: Network,
    images: Images,
    *,
    transform: SampleTransform | None = None,
    batch_size: int = 8,
    devices: Sequence[Any] | None = None,
    engine: str | None = None,
) -> Any:
    """Predict on images; see `Network.predict`."""
    predictor = kept_predictor(network, transform, batch_size, devices, engine)
    if is_single(images):
        return predictor([_read(images)])[0]
    if isinstance(images, (str, os.PathLike)):
        dataset = datasets.create("image_files", paths=[images])
        return predictor([dataset[index].image for index in range(len(dataset))])
    return predictor([_read(image) for image in images])


def kept_predictor(
    network: Network,
    transform: SampleTransform | None,
    batch_size: int,
    devices: Sequence[Any] | None,
    engine: str | None,
) -> Predictor:
    """The predictor of a network for these settings; a new one if parameters have changed."""
    key = (id(transform), batch_size, str(devices), engine)
    with _MAKING:
        # Training replaces arrays, and modifies none: the same arrays are the same parameters.
        arrays = {**network.parameters, **network.statistics}
        cached = network.predictors.get(key)
        if cached is not None and _is_same(cached[0], arrays) and cached[1] is transform:
            return cached[2]  # type: ignore[no-any-return]
        fit: ImageFit | None = None if transform is None else Transformed(transform)
        predictor = Predictor(network, fit, batch_size=batch_size, devices=devices, engine=engine)
        network.predictors[key] = arrays, transform, predictor
        return predictor


def _is_same(before: dict[str, Any], now: dict[str, Any]) -> bool:
    return before.keys() == now.keys() and all(now[name] is before[name] for name in now)


def _read(image: Image | Any) -> np.ndarray:
    return image if isinstance(image, np.ndarray) else read_image(image)
