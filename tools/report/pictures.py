"""Draw predictions on images, and write image files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import cv2
import numpy as np

from densefit.data.loader.loader import Loader
from densefit.data.sample_id import sample_id
from densefit.metrics.core.detail import Curves
from densefit.metrics.core.metric import Metric
from densefit.metrics.core.operating_point import best_threshold
from densefit.model.heads.head import Head
from densefit.model.network import Network
from densefit.visualize.fitted import Fitted

# Range of the longer side of a drawing, in pixels.
SMALLEST, LARGEST = 320, 480
BYTES = 8 << 20  # largest file with several drawings


def readable_indices(loader: Loader) -> list[int]:
    """Indices of the samples that the loader has not skipped as broken."""
    skipped, dataset = {key for key, _ in loader.skipped}, loader.dataset
    every = range(len(dataset))
    if not skipped:
        return list(every)
    return [index for index in every if sample_id(dataset, index) not in skipped]


def choose_thresholds(
    network: Network,
    metrics: Mapping[str, Sequence[Metric]],
    stored: Mapping[str, float] = MappingProxyType({}),
) -> dict[str, float]:
    """Set each head's drawing threshold to the score of the highest F1, unless it is configured.

    Args:
        network: network whose heads with a `draw_threshold` are changed.
        metrics: head -> metrics that have seen a dataset.
        stored: head -> threshold of the run's validation data, which is taken where there is one.

    Returns:
        head -> threshold.
    """
    thresholds = {}
    for name, drawing in heads_to_choose_for(network).items():
        threshold = stored[name] if name in stored else best_of(metrics.get(name, ()))
        if threshold is not None:
            thresholds[name] = drawing.draw_threshold = threshold
    return thresholds


def heads_to_choose_for(network: Network) -> dict[str, Any]:
    """Heads whose drawing threshold is not configured, with the object that has it."""
    drawings = {}
    for head in network.heads:
        drawing: Any = getattr(head, "detector", head)
        settings = (head.spec or {}).get("settings", {})
        settings = settings if drawing is head else settings.get("detection") or {}
        if hasattr(drawing, "draw_threshold") and "draw_threshold" not in settings:
            drawings[head.name] = drawing
    return drawings


def best_of(metrics: Iterable[Metric]) -> float | None:
    """Threshold with the highest F1 of the first metric that has F1 curves."""
    for metric in metrics:
        curves = metric.details().get("precision_recall")
        if isinstance(curves, Curves):
            return best_threshold(curves)
    return None


def fitted_for(heads: Iterable[Head], image: np.ndarray, smallest: int, largest: int) -> Fitted:
    """Size for drawing on an image: the original size, if a head cannot draw in another."""
    size = (image.shape[0], image.shape[1])
    if all(draws_any_size(head) for head in heads):
        return Fitted.within(size, smallest, largest)
    return Fitted(size, size)


def draws_any_size(head: Any) -> bool:
    """Whether the class that defines a head's `draw` declares that it takes any size."""
    owner = next((kind for kind in type(head).__mro__ if "draw" in vars(kind)), object)
    return bool(vars(owner).get("resizable", False))


def truth_and_prediction(
    head: Head,
    image: np.ndarray,
    targets: Any,
    prediction: Any,
    smallest: int = SMALLEST,
    largest: int = LARGEST,
) -> list[np.ndarray]:
    """Draw the head's ground truth (nothing if unlabelled) and its prediction on an image.

    Args:
        head: head that draws.
        image: (H, W, 3) uint8 RGB.
        targets: targets of the sample.
        prediction: prediction of the head.
        smallest: smallest longer side in pixels, see `resized`.
        largest: largest longer side in pixels.
    """
    fitted = fitted_for([head], image, smallest, largest)
    small, truth = fitted.image(image), head.ground_truth(targets)
    fitted_prediction = fitted(prediction)
    if truth is None:
        both = (small, head.draw(small, fitted_prediction))
    else:
        both = head.draw_both(small, fitted(truth), fitted_prediction)
    return [resized(drawing, smallest, largest) for drawing in both]


def comparison(
    head: Head,
    image: np.ndarray,
    targets: Any,
    prediction: Any,
    smallest: int = SMALLEST,
    largest: int = LARGEST,
) -> dict[str, np.ndarray]:
    """Draw what a person compares: "truth" and "prediction", and "image" first if they hide it.

    Args:
        head: head that draws.
        image: (H, W, 3) uint8 RGB.
        targets: targets of the sample.
        prediction: prediction of the head.
        smallest: smallest longer side in pixels, see `resized`.
        largest: largest longer side in pixels.
    """
    truth, predicted = truth_and_prediction(head, image, targets, prediction, smallest, largest)
    drawings = {"truth": truth, "prediction": predicted}
    if not head.hides_image:
        return drawings
    return {"image": resized(image, smallest, largest), **drawings}


def drawn(network: Network, image: np.ndarray, predictions: dict[str, Any]) -> np.ndarray:
    """Draw all heads' predictions on an image: areas, then outlines, then text."""
    for head in network.heads:
        image = head.draw(image, predictions[head.name])
    return image


def write_image(path: Path, image: np.ndarray, most: int | None = None) -> None:
    """Write an RGB image; the format follows the path's extension.

    Args:
        path: path of the file; missing folders are created.
        image: (H, W, 3) uint8.
        most: largest size of the file in bytes, by shrinking the image; None for no limit.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    while True:
        encoded, data = cv2.imencode(path.suffix or ".png", image)
        if not encoded:
            raise OSError(f"cannot write {path}")
        if most is None or data.nbytes <= most or min(image.shape[:2]) < 2:
            break
        factor = min(0.9, 0.95 * (most / data.nbytes) ** 0.5)
        height, width = (max(1, round(side * factor)) for side in image.shape[:2])
        image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    path.write_bytes(data.tobytes())


def resized(image: np.ndarray, smallest: int, largest: int) -> np.ndarray:
    """Resize an image to a longer side of `smallest` to `largest` pixels.

    Small images are enlarged by an integer factor, so that single pixels stay visible.
    """
    return Fitted.within((image.shape[0], image.shape[1]), smallest, largest).image(image)
