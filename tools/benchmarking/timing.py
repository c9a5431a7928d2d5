"""Milliseconds an image of networks that compute the same images from memory, in turn."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from densefit import engine as engines
from densefit.data.transforms import Resize
from densefit.engine.batch_reader import BatchReader
from densefit.evaluation.images import image_loader
from densefit.model.network import Network

_SETTLE = 0.1  # seconds in which threads of the last engine stop spinning

Pass = Callable[[], None]


def image_pass(
    network: Network,
    images: Sequence[np.ndarray],
    batch: int,
    engine: str | None = None,
    devices: Sequence[str] = (),
) -> Pass:
    """Make a function that computes all images: normalisation to decoded outputs, no metrics.

    Args:
        network: network with parameters.
        images: (H, W, 3) uint8 of the size of the network's input, RGB.
        batch: images at once.
        engine: engine that computes; by default the network's.
        devices: devices of the engine; the CPU by default.

    Raises:
        EngineError: the engine is not installed.
    """
    learner = engines.make(network, list(devices) or None, engine)
    loader = image_loader(list(images), Resize(*images[0].shape[:2]), batch)
    reader = BatchReader(loader, list(network.adapters.values()), "benchmark")

    def compute() -> None:
        for _ in learner.evaluate(reader):
            pass

    return compute


def milliseconds(passes: Mapping[str, Pass], count: int, rounds: int) -> dict[str, float]:
    """Median milliseconds an image of functions that are called in turn.

    A round before is not measured.

    Args:
        passes: name -> function that computes `count` images.
        count: number of images.
        rounds: measured calls of each function.
    """
    times: dict[str, list[float]] = {name: [] for name in passes}
    for turn in range(rounds + 1):
        for name, compute in passes.items():
            time.sleep(_SETTLE)
            start = time.perf_counter()
            compute()
            if turn:
                times[name].append(1000 * (time.perf_counter() - start) / count)
    return {name: statistics.median(spent) for name, spent in times.items()}
