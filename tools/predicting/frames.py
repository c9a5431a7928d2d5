"""Frames of a video file or a camera."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from densefit.errors import ConfigError, DataError

_USUAL_RATE = 25.0  # frames a second, where a camera or file states none
_FASTEST = 1000.0


@dataclass(frozen=True)
class Frame:
    """A frame.

    Attributes:
        number: its number in the video, from 0.
        seconds: its time from the start, by the frame rate.
        image: (H, W, 3) uint8 RGB.
    """

    number: int
    seconds: float
    image: np.ndarray


class Frames:
    """Every N-th frame of a video file, or of a camera until it is stopped.

    Args:
        source: a file, or the number of a camera.
        every: distance of two frames.
        most: number of frames; None for all.

    Attributes:
        name: name of the files that are written for it, without extension.
        rate: frames a second of what is yielded.

    Raises:
        DataError: the file or camera cannot be opened.
    """

    def __init__(self, source: Path | int, every: int = 1, most: int | None = None) -> None:
        if every < 1 or (most is not None and most < 1):
            raise ConfigError(
                "every and frames are counts", expected="1 or more", received=f"{every}, {most}"
            )
        self.source, self.every, self.most = source, every, most
        self.name = f"camera{source}" if isinstance(source, int) else source.stem
        if isinstance(source, Path) and not source.is_file():
            raise DataError("There is no such file or folder", where=source)
        self._capture: Any = cv2.VideoCapture(source if isinstance(source, int) else str(source))
        if not self._capture.isOpened():
            raise DataError(
                "The camera cannot be opened"
                if isinstance(source, int)
                else "The video cannot be read: it is damaged, or of a kind that OpenCV lacks",
                where=self.where,
            )
        rate = float(self._capture.get(cv2.CAP_PROP_FPS))
        if not math.isfinite(rate) or not 0 < rate <= _FASTEST:
            rate = _USUAL_RATE
        self._rate, self.rate = rate, rate / every
        self._stopped = threading.Event()

    @property
    def where(self) -> str:
        """The file, or `camera:0`."""
        return f"camera:{self.source}" if isinstance(self.source, int) else str(self.source)

    @property
    def total(self) -> int | None:
        """Number of frames, as the file states it; None if unknown."""
        count = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        if count <= 0:
            return self.most
        return min(-(-count // self.every), self.most or count)

    def stop(self) -> None:
        """End the iteration after the current frame."""
        self._stopped.set()

    def __iter__(self) -> Iterator[Frame]:
        """Yield frames, and close the source.

        Raises:
            DataError: the source yields no frame at all.
        """
        number = yielded = 0
        try:
            while not self._stopped.is_set() and (self.most is None or yielded < self.most):
                if not self._capture.grab():
                    break
                if number % self.every == 0:
                    is_read, image = self._capture.retrieve()
                    if not is_read:
                        break
                    yield Frame(number, number / self._rate, cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
                    yielded += 1
                number += 1
        finally:
            self._capture.release()
        if not yielded and not self._stopped.is_set():
            raise DataError("The video has no frame that can be read", where=self.where)
