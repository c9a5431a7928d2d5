"""What a server does with an image: fit, compute, select; with limits on all that waits."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np

from densefit.model.network import Network
from densefit.tools.predicting.selection import Selection
from densefit.tools.serving.batcher import Batcher, ExpiredError, FullError, Model
from densefit.tools.serving.errors import RequestError
from densefit.tools.serving.limits import Limits
from densefit.tools.serving.measurements import Measurements

T = TypeVar("T")


class Service:
    """Predicts for requests, many at a time.

    Args:
        network: network, for names and drawings.
        fit: fits an image, in any thread.
        make: makes the model, in the thread that computes.
        selection: objects of an answer, unless the request says otherwise.
        limits: limits of requests.
        workers: threads that decode, fit and encode images.

    Attributes:
        measurements: counts and times.
        in_flight: requests that are not answered yet.
    """

    def __init__(
        self,
        network: Network,
        fit: Callable[[np.ndarray], Any],
        make: Callable[[], Model],
        selection: Selection,
        limits: Limits,
        workers: int,
    ) -> None:
        self.network, self.selection, self.limits = network, selection, limits
        self.measurements = Measurements()
        self.in_flight = 0
        self._fit = fit
        self._pool = ThreadPoolExecutor(max(1, workers), "images")
        self.batcher = Batcher(
            make,
            limits.wait,
            limits.in_flight,
            expected=lambda: self.in_flight,
            measured=self.measurements.batch,
        )

    def enter(self) -> None:
        """Admit a request.

        Raises:
            RequestError: too many are being answered; it says when to try again.
        """
        if self.in_flight >= self.limits.in_flight:
            raise self._busy()
        self.in_flight += 1

    def leave(self) -> None:
        """End an admitted request."""
        self.in_flight -= 1

    async def in_thread(self, work: Callable[..., T], *arguments: Any) -> T:
        """Run work on an image in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *arguments)

    async def predict(self, image: np.ndarray, selection: Selection, deadline: float) -> Any:
        """Predict on an image; (head -> prediction, milliseconds by part).

        Args:
            image: (H, W, 3) uint8 RGB.
            selection: objects of the answer.
            deadline: `time.monotonic` at which the answer is late.

        Raises:
            RequestError: the server is too busy, or too slow.
        """
        fitted = await self.in_thread(self._fit, image)
        key = getattr(fitted, "input_size", None)
        start = time.monotonic()
        try:
            future = self.batcher.submit(fitted, key, deadline)
            left = max(0.0, deadline - time.monotonic())
            predicted = await asyncio.wait_for(asyncio.wrap_future(future), left)
        except FullError:
            raise self._busy() from None
        except (ExpiredError, TimeoutError, asyncio.TimeoutError):
            raise self._busy("The image was not computed in time") from None
        network = predicted.network_ms
        queue = max(0.0, 1000 * (time.monotonic() - start) - network - predicted.decode_ms)
        predictions = {
            head.name: selection(head, predicted.predictions[head.name])
            for head in self.network.heads
        }
        return predictions, {"network": network, "queue": queue}

    def close(self) -> None:
        """Answer what waits, and end the threads."""
        self.batcher.close()
        self._pool.shutdown()

    def _busy(self, message: str = "Too many requests are being answered") -> RequestError:
        seconds = self.in_flight * self.measurements.seconds_per_image
        return RequestError(503, message, retry_after=max(1, math.ceil(seconds)))
