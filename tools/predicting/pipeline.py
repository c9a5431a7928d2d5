"""Images -> predictions: threads read and fit images while the network computes."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from densefit.evaluation.predictor import Predicted
from densefit.tools.predicting.frames import Frames


class Predicts(Protocol):
    """Fits images in any thread, and predicts on what was fitted."""

    @property
    def fit(self) -> Callable[[np.ndarray], Any]:
        """Fits an image, (H, W, 3) uint8 RGB."""

    def compute(self, images: Sequence[Any]) -> list[Predicted]:
        """Predict on fitted images; the predictions are in their order."""


@dataclass(frozen=True)
class Item:
    """An image to predict.

    Attributes:
        key: name of the image's files in the output folder.
        path: its file, or its video.
        read: reads (H, W, 3) uint8 RGB; None if it is broken. Called in a thread.
        video: the video that it is a frame of.
        frame: number of the frame.
        seconds: time of the frame in the video.
    """

    key: str
    path: Path | str
    read: Callable[[], np.ndarray | None]
    video: Frames | None = None
    frame: int = 0
    seconds: float = 0.0


@dataclass
class Result:
    """An image with its predictions.

    Attributes:
        item: what was predicted.
        image: (H, W, 3) uint8 RGB.
        predictions: head -> prediction, in original image coordinates.
        milliseconds: "decoding" (reading and fitting), "network", and "after" (decoding of
            outputs), to which writers add theirs.
    """

    item: Item
    image: np.ndarray
    predictions: dict[str, Any]
    milliseconds: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Read:
    item: Item
    image: np.ndarray
    fitted: Any
    milliseconds: float


def results(
    items: Iterable[Item], predictor: Predicts, workers: int, together: int
) -> Iterator[Result]:
    """Predict on items, in their order; broken images are left out.

    Args:
        items: an iterator is read one item at a time, a little ahead.
        predictor: predicts.
        workers: threads that read, 0 for none.
        together: images that are predicted at once.
    """
    readable = (read for read in _ahead(items, predictor, workers, together) if read is not None)
    while some := list(islice(readable, together)):
        for read, predicted in zip(some, predictor.compute([read.fitted for read in some])):
            yield _result(read, predicted)


def _result(read: _Read, predicted: Predicted) -> Result:
    milliseconds = {
        "decoding": read.milliseconds,
        "network": predicted.network_ms,
        "after": predicted.decode_ms,
    }
    return Result(read.item, read.image, predicted.predictions, milliseconds)


def _ahead(
    items: Iterable[Item], predictor: Predicts, workers: int, together: int
) -> Iterator[_Read | None]:
    """Read items in threads, `together` and one more for each thread ahead of the caller."""
    if workers == 0:
        yield from (_read(item, predictor) for item in items)
        return
    pool = ThreadPoolExecutor(workers, "reading")
    waiting: deque[Future[_Read | None]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(_read, item, predictor))
            if len(waiting) > together + workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _read(item: Item, predictor: Predicts) -> _Read | None:
    start = time.perf_counter()
    image = item.read()
    if image is None:
        return None
    fitted = predictor.fit(image)
    return _Read(item, image, fitted, 1000 * (time.perf_counter() - start))
