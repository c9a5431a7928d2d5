"""Draw ground truth and prediction of chosen samples as small JPEGs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import cv2
import numpy as np

from densefit.data.checks.sample import read_sample
from densefit.data.classes.class_matching import match_head
from densefit.data.loader.loader import Loader
from densefit.data.sample_id import sample_id
from densefit.data.subset import Subset
from densefit.evaluation.predict import predict
from densefit.model.heads.head import Head
from densefit.model.network import Network
from densefit.tools.report.pictures import comparison

# Pixels of the longer side, and qualities of JPEG: the largest file that fits is taken.
_SMALLEST, _LARGEST = 240, 400
_QUALITIES = (85, 75, 60, 45, 30)
_MOST_SCALES = 6


class SamplePictures:
    """Samples of a dataset, read and predicted again for drawings.

    Args:
        network: network with parameters.
        loader: loader that was scored.
        ids: ids of the samples.
    """

    def __init__(self, network: Network, loader: Loader, ids: Collection[str]) -> None:
        self._dataset = loader.dataset
        names = (sample_id(loader.dataset, index) for index in range(len(loader.dataset)))
        self._indices = {key: index for index, key in enumerate(names) if key in ids}
        self._predictions: Mapping[str, Mapping[str, Any]] = {}
        if self._indices:
            subset = Subset(loader.dataset, list(self._indices.values()))
            size = min(loader.batch_size, len(subset))
            some = Loader(subset, batch_size=size, transform=loader.transform, workers=0)
            self._predictions = dict(predict(network, some))
            some.close()

    def of(self, head: Head, key: str) -> tuple[Any, Any, dict[str, np.ndarray]]:
        """Prediction, ground truth, and the drawings to compare, (H, W, 3) uint8 RGB by name."""
        sample = read_sample(self._dataset, self._indices[key], [])
        targets = match_head(self._dataset, head)(sample.targets)
        prediction = self._predictions[key][head.name]
        images = comparison(head, sample.image, targets, prediction, _SMALLEST, _LARGEST)
        return prediction, head.ground_truth(targets), images


def jpeg(image: np.ndarray, most: int) -> bytes:
    """Encode an RGB image in at most `most` bytes, where that can be done.

    Args:
        image: (H, W, 3) uint8.
        most: bytes.
    """
    image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    data = b""
    for data in _encodings(image):
        if len(data) <= most:
            break
    return data


def _encodings(image: np.ndarray) -> Iterator[bytes]:
    """Encode in falling quality, then in falling sizes."""
    for scale in range(_MOST_SCALES):
        factor = 0.75**scale
        small = image
        if scale:
            small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
        for quality in _QUALITIES:
            done, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])
            if not done:
                raise OSError("a drawing cannot be encoded as JPEG")
            yield data.tobytes()
