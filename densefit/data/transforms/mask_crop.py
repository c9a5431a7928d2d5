"""Random crops by the mask: no dominant class, and rare classes more often."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from densefit.data.geometry.image_ops import GREY, Fill
from densefit.data.geometry.ops import crop_op, resize_op
from densefit.data.sample import Sample
from densefit.data.transforms.crop import RandomScaleCrop, offset
from densefit.data.transforms.transform import checked_range, transforms
from densefit.errors import ConfigError, DataError

_VOID = 255
_NOWHERE = np.zeros(0, np.int64)


@transforms.register("random_mask_crop")
class RandomMaskCrop(RandomScaleCrop):
    """RandomScaleCrop to a window in which no class has more than `max_share` of the pixels.

    This is cat_max_ratio of MMSegmentation's RandomCrop: the first of `attempts` windows that fits
    is taken, or the last. As there, ignored pixels (255) do not count, and a window of a single
    class does not fit.

    With probability `focus` the windows contain random pixels of one of the image's classes, each
    class equally likely, so that rare classes occur more often (class uniform sampling: Zhu et
    al., "Improving Semantic Segmentation via Video Propagation and Label Relaxation", CVPR 2019).

    A sample without a mask is cropped as RandomScaleCrop does.

    Args:
        height: height of the result.
        width: width of the result.
        low: lowest scale factor.
        high: highest scale factor.
        max_share: largest share of one class in the window; 1 for no limit.
        focus: probability of a window around a pixel of a random class.
        attempts: number of windows to try.
        target: name of the mask.
        fill: colour outside of the image.
        relative_to: see `RandomScaleCrop`.
        input_size: see `RandomScaleCrop`.
    """

    def __init__(
        self,
        height: int,
        width: int,
        low: float = 0.5,
        high: float = 2.0,
        max_share: float = 0.75,
        focus: float = 0.0,
        attempts: int = 10,
        target: str = "mask",
        fill: Fill = GREY,
        relative_to: str = "input",
        input_size: Sequence[int] | None = None,
    ) -> None:
        super().__init__(height, width, low, high, fill, relative_to, input_size)
        self.max_share = checked_range("max_share", max_share, 0.0, 1.0, "RandomMaskCrop")
        self.focus = checked_range("focus", focus, 0.0, 1.0, "RandomMaskCrop")
        if attempts < 1:
            raise ConfigError("At least one window is looked at", received=f"attempts={attempts}")
        self.attempts, self.target = attempts, target

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Crop to `output_size`."""
        mask = sample.targets.get(self.target)
        if mask is None:
            return super().__call__(sample, rng)
        rows, columns = sample.image.shape[:2]
        if mask.shape != (rows, columns) or mask.dtype != np.uint8:
            raise DataError(
                f"The target {self.target!r} is not a mask of its image",
                expected=f"{(rows, columns)} uint8",
                received=f"{mask.shape} {mask.dtype}",
                where=f"sample {sample.id!r}",
            )
        height, width = self.output_size
        size = self.window((rows, columns), rng)
        pixels = _pixels_of_random_class(mask, rng) if rng.random() < self.focus else _NOWHERE
        for _ in range(self.attempts):
            top, left = offset(rows, size[0], rng), offset(columns, size[1], rng)
            if len(pixels):
                y, x = divmod(int(pixels[rng.integers(len(pixels))]), columns)
                top, left = (
                    _offset_around(y, rows, size[0], rng),
                    _offset_around(x, columns, size[1], rng),
                )
            window = mask[max(top, 0) : top + size[0], max(left, 0) : left + size[1]]
            if self._fits(window):
                break
        sample = crop_op(left, top, size[1], size[0], self.fill)(sample)
        return resize_op(size, height, width)(sample)

    def _fits(self, window: np.ndarray) -> bool:
        counts = _counts(window)
        counts = counts[counts > 0]
        several = len(counts) > 1 or self.max_share == 1
        return bool(several and counts.sum() and counts.max() <= self.max_share * counts.sum())

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.settings()}, "
            f"max_share={self.max_share}, focus={self.focus}, attempts={self.attempts}, "
            f"{self.target!r}, fill={self.fill})"
        )


def _counts(mask: np.ndarray) -> np.ndarray:
    """(256,) pixels of each class of a uint8 mask, without void."""
    counts = cv2.calcHist([np.ascontiguousarray(mask)], [0], None, [256], [0, 256])
    counts = counts.reshape(-1).astype(np.int64)
    counts[_VOID] = 0
    return np.asarray(counts)


def _pixels_of_random_class(mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(k,) flat indices of all pixels of a random class of the mask; none without classes."""
    classes = np.flatnonzero(_counts(mask))
    if len(classes) == 0:
        return _NOWHERE
    return np.flatnonzero(mask == classes[rng.integers(len(classes))])


def _offset_around(position: int, size: int, window: int, rng: np.random.Generator) -> int:
    """Draw the start of a window that contains a position; see `offset`."""
    low, high = sorted((0, size - window))
    return int(min(max(position - int(rng.integers(window)), low), high))
