"""How an image becomes rows of a network's input: resized, padded, or seen in views."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from densefit.data.loader.original_size_loader import PadTask
from densefit.data.loader.sample_task import SampleTask, SampleTransform
from densefit.data.loader.view_loader import LookTask
from densefit.data.loader.views import Views
from densefit.data.sample import Geometry
from densefit.evaluation.images import ImageArrays

__all__ = ["FittedImage", "ImageFit", "OwnSize", "Transformed", "Viewed"]


@dataclass(frozen=True)
class FittedImage:
    """An image as rows of a network's input.

    Attributes:
        size: (height, width) of the original image.
        rows: (3, H, W) uint8 each: one, or one for each view.
        geometries: map from the original image to each row.
    """

    size: tuple[int, int]
    rows: Sequence[np.ndarray]
    geometries: Sequence[Geometry]

    @property
    def input_size(self) -> tuple[int, int]:
        """(height, width) of the rows."""
        height, width = self.rows[0].shape[1:]
        return height, width


class ImageFit(ABC):
    """Fits images, (H, W, 3) uint8 RGB, to the input of a network; called by several threads.

    Attributes:
        views: settings of the views; None if an image is one row.
        max_pixels: largest number of pixels per batch; None for any number.
    """

    views: Views | None = None
    max_pixels: int | None = None

    @abstractmethod
    def __call__(self, image: np.ndarray) -> FittedImage:
        """Fit an image.

        Raises:
            DataError: the array is no image.
        """


class Transformed(ImageFit):
    """Resize by a transform, as `df.Loader` does.

    Args:
        transform: such as `df.transform("letterbox", height=300, width=300)`.
    """

    def __init__(self, transform: SampleTransform) -> None:
        self.transform = transform

    def __call__(self, image: np.ndarray) -> FittedImage:
        processed = SampleTask(
            ImageArrays([image]), self.transform, [], seed=0, epoch=0, originals=False
        )(0)
        return FittedImage(_size(image), [processed.data], [processed.geometry])


class OwnSize(ImageFit):
    """Keep the image's size, padded as `df.Loader.original_size` does.

    Args:
        multiple: the padded sides are multiples of it, in pixels.
        max_pixels: largest number of pixels per batch; a larger image is alone.
    """

    def __init__(self, multiple: int = 64, max_pixels: int = 4 * 1024 * 1024) -> None:
        self.multiple, self.max_pixels = multiple, max_pixels

    def __call__(self, image: np.ndarray) -> FittedImage:
        padded = PadTask(ImageArrays([image]), self.multiple, None, None)(0)
        return FittedImage(_size(image), [padded.data], [padded.geometry])


class Viewed(ImageFit):
    """Make the views of `df.Loader.views`.

    Args:
        views: settings of the views.
        input_size: (height, width) of the network's input.
        whole: also look at the whole image, fitted into the input: objects larger than a window
            are seen in no window alone.
    """

    def __init__(self, views: Views, input_size: tuple[int, int], whole: bool = False) -> None:
        self.views = self._views = views
        self.input_size, self.whole = input_size, whole

    def __call__(self, image: np.ndarray) -> FittedImage:
        dataset = ImageArrays([image])
        looked = LookTask(dataset, self._views, self.input_size)(0)
        rows, geometries = list(looked.images), list(looked.views)
        if self.whole and len(rows) > 1:
            once = LookTask(dataset, Views(fit="letterbox"), self.input_size)(0)
            rows, geometries = rows + once.images, geometries + once.views
        return FittedImage(_size(image), rows, geometries)


def _size(image: np.ndarray) -> tuple[int, int]:
    height, width = image.shape[:2]
    return height, width
