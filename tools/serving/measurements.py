"""Counts and times of a server, as Prometheus reads them."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_ROWS = (1, 2, 4, 8, 16, 32)


class Histogram:
    """Counts of values up to each bound.

    Args:
        bounds: upper bounds, ascending.
    """

    def __init__(self, bounds: Sequence[float]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    @property
    def count(self) -> int:
        """Number of values."""
        return sum(self._counts)

    def add(self, value: float) -> None:
        """Count a value."""
        bucket = next((n for n, b in enumerate(self._bounds) if value <= b), len(self._bounds))
        self._counts[bucket] += 1
        self.total += value

    def lines(self, name: str) -> list[str]:
        """Lines of Prometheus's text format."""
        lines, below = [], 0
        for bound, count in zip((*self._bounds, "+Inf"), self._counts):
            below += count
            lines.append(f'{name}_bucket{{le="{bound}"}} {below}')
        return [*lines, f"{name}_sum {self.total:.9g}", f"{name}_count {below}"]


class Measurements:
    """What a server has done since its start; all methods may be called by any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._statuses: Counter[int] = Counter()
        self._seconds, self._rows = Histogram(_SECONDS), Histogram(_ROWS)
        self._network, self._images = 0.0, 0

    def request(self, status: int, seconds: float) -> None:
        """Count an answer to a request for a prediction."""
        with self._lock:
            self._statuses[status] += 1
            self._seconds.add(seconds)

    def batch(self, images: int, rows: int, seconds: float) -> None:
        """Count a batch of the network."""
        with self._lock:
            self._rows.add(rows)
            self._network += seconds
            self._images += images

    @property
    def seconds_per_image(self) -> float:
        """Mean time of the network per image; 0 before the first."""
        with self._lock:
            return self._network / self._images if self._images else 0.0

    def text(self, waiting: int, in_flight: int) -> str:
        """Prometheus's text format, version 0.0.4.

        Args:
            waiting: images that wait for the network.
            in_flight: requests that are not answered yet.
        """
        with self._lock:
            lines = _head("densefit_requests_total", "counter", "Answered requests by HTTP status.")
            for status, count in sorted(self._statuses.items()):
                lines.append(f'densefit_requests_total{{status="{status}"}} {count}')
            lines += _head("densefit_request_seconds", "histogram", "Time of a request.")
            lines += self._seconds.lines("densefit_request_seconds")
            lines += _head("densefit_batch_rows", "histogram", "Rows of a batch.")
            lines += self._rows.lines("densefit_batch_rows")
            for name, kind, text, value in (
                ("densefit_images_total", "counter", "Computed images.", self._images),
                ("densefit_network_seconds_total", "counter", "Time computing.", self._network),
                ("densefit_waiting_images", "gauge", "Images that wait.", waiting),
                ("densefit_requests_in_flight", "gauge", "Unanswered requests.", in_flight),
            ):
                lines += [*_head(name, kind, text), f"{name} {value:.9g}"]
        return "\n".join(lines) + "\n"


def _head(name: str, kind: str, text: str) -> list[str]:
    return [f"# HELP {name} {text}", f"# TYPE {name} {kind}"]
