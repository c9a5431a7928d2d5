"""The predictor of a checkpoint: network, suppression, and how images are fitted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from densefit.checkpoint.weights.exported import is_exported
from densefit.checkpoint.weights.load import load
from densefit.errors import ConfigError
from densefit.evaluation.image_fit import FittedImage
from densefit.evaluation.predictor import Predicted, Predictor
from densefit.model.network import Network
from densefit.tools.predicting.pipeline import Predicts
from densefit.tools.predicting.settings import PredictionSettings


@dataclass(frozen=True)
class TilesAndWhole:
    """Predicts on tiles, and with the heads of whole images on the whole image.

    Args:
        tiles: predicts on tiles.
        whole: predicts on whole images.
        names: heads of whole images.
    """

    tiles: Predictor
    whole: Predictor
    names: Sequence[str]

    def fit(self, image: np.ndarray) -> tuple[FittedImage, FittedImage]:
        """Fit an image in both ways."""
        return self.tiles.fit(image), self.whole.fit(image)

    def compute(self, images: Sequence[tuple[FittedImage, FittedImage]]) -> list[Predicted]:
        """Predict on fitted images."""
        tiled = self.tiles.compute([tiles for tiles, _ in images])
        whole = self.whole.compute([whole for _, whole in images])
        return [
            Predicted(
                {**tiles.predictions, **{name: at_once.predictions[name] for name in self.names}},
                tiles.network_ms + at_once.network_ms,
                tiles.decode_ms + at_once.decode_ms,
            )
            for tiles, at_once in zip(tiled, whole)
        ]


def load_network(chosen: PredictionSettings, checkpoint: Path) -> Network:
    """Load a network, with the engine and the suppression of the settings.

    Raises:
        ConfigError: a class that no head has, or a suppression that cannot be set.
    """
    network = load(checkpoint)
    network.engine_name = chosen.engine or network.engine_name
    chosen.selection().check(network.heads)
    _set_suppression(network, chosen, checkpoint)
    return network


def make_predictor(chosen: PredictionSettings, network: Network) -> Predicts:
    """Make the predictor of a network."""
    fit = chosen.fit(network)
    settings: dict[str, Any] = {
        "batch_size": chosen.score_batch_size,
        "devices": chosen.devices or None,
    }
    predictor = Predictor(network, fit, **settings)
    whole = untiled(chosen, network)
    if not whole:
        return predictor
    return TilesAndWhole(predictor, Predictor(network, chosen.whole_fit(), **settings), whole)


def untiled(chosen: PredictionSettings, network: Network) -> list[str]:
    """Names of the heads that are predicted on the whole image beside tiles."""
    if chosen.tile is None:
        return []
    return [head.name for head in network.heads if not head.supports_windows]


def _set_suppression(network: Network, chosen: PredictionSettings, checkpoint: Path) -> None:
    """Set IoU and number of detections of the heads that suppress boxes."""
    values = {"nms_iou": chosen.iou, "max_detections": chosen.max_detections}
    stated = {name: value for name, value in values.items() if value is not None}
    if not stated:
        return
    if chosen.iou is not None and not 0 < chosen.iou <= 1:
        raise ConfigError("iou is a share", expected="above 0, up to 1", received=chosen.iou)
    if is_exported(checkpoint):
        if chosen.iou is not None:
            raise ConfigError(
                "The suppression of an exported model is part of it",
                received=f"--iou {chosen.iou}",
                where=checkpoint,
                fix="leave it out, or predict with the checkpoint that it was exported from",
            )
        return  # the most detections are selected from what it puts out
    is_set = False
    for head in network.heads:
        instance = getattr(head, "instance", head)
        detector: Any = getattr(instance, "detector", instance)
        for name, value in stated.items():
            if hasattr(detector, name):
                setattr(detector, name, value)
                is_set |= name == "nms_iou"
    if chosen.iou is not None and not is_set:
        raise ConfigError("No head suppresses boxes", received=f"--iou {chosen.iou}")
    network.forget_graphs()
