"""Inputs -> items to predict: pictures, then the frames of each video and camera."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from densefit.errors import DataError
from densefit.tools.formats.picture_files import Pictures
from densefit.tools.predicting.frames import Frames
from densefit.tools.predicting.pipeline import Item


def picture_items(pictures: Pictures) -> Iterator[Item]:
    """An item for each picture; what cannot be read is noted in `pictures.failed`."""
    for key, path in pictures.paths.items():
        yield Item(key, path, partial(pictures.image, key))


def frame_items(frames: Frames, name: str, failed: dict[str, str]) -> Iterator[Item]:
    """An item for each frame, `<name>/000012.jpg`.

    Args:
        frames: the video.
        name: name of its files.
        failed: gets the reason if the video has no frame.
    """
    try:
        for frame in frames:
            key = f"{name}/{frame.number:06}.jpg"
            read = partial(_image, frame.image)
            yield Item(key, Path(frames.where), read, frames, frame.number, frame.seconds)
    except DataError as error:
        failed[frames.where] = error.what


def _image(image: np.ndarray) -> np.ndarray:
    return image
