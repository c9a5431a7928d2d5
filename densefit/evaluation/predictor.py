"""Predict on images again and again with one engine, from any thread."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from densefit import engine as engines
from densefit.data.loader.views import Views
from densefit.engine.batch_reader import BatchReader
from densefit.engine.finite import check_parameters
from densefit.errors import ConfigError
from densefit.evaluation.given_batches import GivenBatches, view_batches, whole_batch
from densefit.evaluation.image_fit import FittedImage, ImageFit, OwnSize, Transformed
from densefit.evaluation.tta import has_views, merge_views
from densefit.model.heads.network_head import NetworkHead
from densefit.model.network import Network

_READERS = 64  # shapes of batches that are remembered


@dataclass(frozen=True)
class Predicted:
    """Predictions for an image.

    Attributes:
        predictions: head -> prediction, in original image coordinates.
        network_ms: milliseconds of the image's batch in the network, divided by its images.
        decode_ms: milliseconds of decoding the outputs, likewise; with views they are part of
            `network_ms`.
    """

    predictions: dict[str, Any]
    network_ms: float
    decode_ms: float


class Predictor:
    """Predicts on images with one engine, whose parameters stay on the device between calls.

    Threads may share it: fitting runs in the caller's thread, and one batch is computed at a time.
    The parameters are those of the network at the first prediction.

    Args:
        network: a network of heads with parameters, or an exported model.
        fit: fits images to the input; by default they keep their size, padded to a multiple of 64
            pixels, or have the size that an exported model takes.
        batch_size: most rows per batch; images of different input sizes are in different batches.
        devices: devices of the engine; the CPU by default.
        engine: "mxnet", "torch" or "onnx".

    Raises:
        ConfigError: the network has no heads.
        TrainingDiverged: a parameter is not finite.
    """

    def __init__(
        self,
        network: Network,
        fit: ImageFit | None = None,
        *,
        batch_size: int = 8,
        devices: Sequence[Any] | None = None,
        engine: str | None = None,
    ) -> None:
        if not network.heads:
            raise ConfigError(
                "A network without heads of densefit does not say how images become its input",
                expected="a network of heads",
                fix="df.predict(network, iterator of batches)",
            )
        if batch_size < 1:
            raise ConfigError("batch_size is a count of rows", received=batch_size)
        if fit is None:
            fit = OwnSize() if network.fitting is None else Transformed(network.fitting)
        self.network, self.fit, self.batch_size = network, fit, batch_size
        self._adapters = [
            adapter for adapter in network.adapters.values() if isinstance(adapter, NetworkHead)
        ]
        check_parameters(network)
        self._engine = engines.make(network, devices, engines.engine_name(engine, network))
        self._readers: OrderedDict[tuple[int, ...], tuple[GivenBatches, BatchReader]] = (
            OrderedDict()
        )
        self._lock = threading.Lock()

    def __call__(self, images: Sequence[np.ndarray]) -> list[dict[str, Any]]:
        """Predict on images; the predictions are in their order.

        Args:
            images: (H, W, 3) uint8 RGB each, of any sizes.

        Raises:
            DataError: an array is no image.
        """
        fitted = [self.fit(image) for image in images]
        return [result.predictions for result in self.compute(fitted)]

    def compute(self, images: Sequence[FittedImage]) -> list[Predicted]:
        """Predict on fitted images; the predictions are in their order."""
        results: list[Predicted | None] = [None] * len(images)
        by_size: dict[tuple[int, int], list[int]] = {}
        for index, image in enumerate(images):
            by_size.setdefault(image.input_size, []).append(index)
        for indices in by_size.values():
            if self.fit.views is not None:
                self._compute_views([images[index] for index in indices], indices, results)
                continue
            rows = self.batch_size
            if self.fit.max_pixels is not None:
                height, width = images[indices[0]].input_size
                rows = max(1, min(rows, self.fit.max_pixels // (height * width)))
            for first in range(0, len(indices), rows):
                some = indices[first : first + rows]
                for index, result in zip(some, self.compute_batch([images[i] for i in some])):
                    results[index] = result
        return [result for result in results if result is not None]

    def compute_batch(
        self, images: Sequence[FittedImage], rows: int | None = None
    ) -> list[Predicted]:
        """Predict on images of one input size, each one row, as one batch.

        Args:
            images: at least one.
            rows: rows of the batch: the last image is repeated; by default one for each image.
        """
        start = time.perf_counter()
        outputs = self.outputs(images, rows)
        middle = time.perf_counter()
        geometries = [image.geometries[0] for image in images]
        ids = [str(index) for index in range(len(images))]
        by_head = {
            adapter.name: adapter.decode(outputs, geometries, ids) for adapter in self._adapters
        }
        end = time.perf_counter()
        network, decode = (
            1000 * seconds / len(images) for seconds in (middle - start, end - middle)
        )
        return [
            Predicted({name: rows_[row] for name, rows_ in by_head.items()}, network, decode)
            for row in range(len(images))
        ]

    def outputs(
        self, images: Sequence[FittedImage], rows: int | None = None
    ) -> dict[str, np.ndarray]:
        """Outputs of the network by short name; see `compute_batch`."""
        with self._lock:
            source, reader = self._reader(rows or len(images), images[0].rows[0].shape, None)
            source.batches = [whole_batch(images)]
            return next(iter(list(self._engine.evaluate(reader))))[1]

    def _compute_views(
        self,
        images: Sequence[FittedImage],
        indices: Sequence[int],
        results: list[Predicted | None],
    ) -> None:
        """Predict on images of several views; `results` get them at `indices`."""
        batches = view_batches(images, self.batch_size)
        shape = images[0].rows[0].shape
        start = time.perf_counter()
        with self._lock:
            source, reader = self._reader(self.batch_size, shape, self.fit.views)
            source.batches = batches
            has_views(source, self._adapters)
            merged = list(merge_views(self._engine, reader))
        network = 1000 * (time.perf_counter() - start) / len(images)
        for index, sample in zip(indices, merged):
            results[index] = Predicted(sample.predictions, network, 0.0)

    def _reader(
        self, rows: int, shape: Sequence[int], views: Views | None
    ) -> tuple[GivenBatches, BatchReader]:
        """The iterator of batches of a shape, and its reader."""
        key = (rows, *shape)
        if key not in self._readers:
            while len(self._readers) >= _READERS:
                self._readers.popitem(last=False)
            source = GivenBatches(rows, shape, views)
            reader = BatchReader(source, self._adapters, "prediction")
            self._engine.check_evaluation(reader, views=views is not None, values=True)
            self._readers[key] = source, reader
        self._readers.move_to_end(key)
        return self._readers[key]
