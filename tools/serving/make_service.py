"""The service of a checkpoint, and the sizes of batches that change no bit of an answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from densefit.data.workers.factory import default_workers
from densefit.evaluation.batch_sizes import BatchSizes, equal_batch_sizes
from densefit.evaluation.image_fit import Transformed
from densefit.evaluation.predictor import Predicted, Predictor
from densefit.model.network import Network
from densefit.tools.predicting.make_predictor import make_predictor
from densefit.tools.predicting.pipeline import Predicts
from densefit.tools.predicting.settings import PredictionSettings
from densefit.tools.serving.batcher import Model
from densefit.tools.serving.limits import Limits
from densefit.tools.serving.service import Service


def make_service(chosen: PredictionSettings, network: Network, limits: Limits) -> Service:
    """Make the service of a network.

    Args:
        chosen: settings of the prediction; `score_batch_size` is the largest batch.
        network: the network.
        limits: limits of requests.
    """
    predictors: list[Predicts] = []

    def make() -> Model:
        predictor = make_predictor(chosen, network)
        predictors.append(predictor)
        return _model(chosen, network, predictor)

    workers = default_workers() if chosen.data.workers is None else chosen.data.workers
    return Service(
        network, lambda image: predictors[0].fit(image), make, chosen.selection(), limits, workers
    )


def _model(chosen: PredictionSettings, network: Network, predictor: Predicts) -> Model:
    """Measure the sizes of batches, where all images have one input size."""
    if isinstance(predictor, Predictor) and isinstance(predictor.fit, Transformed):
        height, width = predictor.fit(np.zeros((32, 32, 3), np.uint8)).input_size
        on_gpu = bool(chosen.devices) and network.engine_name != "onnx"
        sizes = equal_batch_sizes(predictor, (height, width), chosen.score_batch_size, on_gpu)
        return Model(predictor.compute_batch, sizes)

    def alone(images: Sequence[Any], rows: int) -> list[Predicted]:
        """Images of any size, and views of an image, are computed without others."""
        return [result for image in images for result in predictor.compute([image])]

    return Model(alone, BatchSizes((1,)))


def description(checkpoint: Path, network: Network, sizes: BatchSizes) -> str:
    """Describe what is served, in a line."""
    heads = ", ".join(head.name for head in network.heads)
    rows = ", ".join(map(str, sizes.rows))
    return f"{checkpoint}: {heads}; batches of {rows} images, which change no bit of an answer"
