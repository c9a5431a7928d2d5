"""Resize images and predictions to the size of their drawing.

The time and memory of a drawing then depend on its size, not on the image's, and its lines and
letters do not shrink.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from pycocotools import mask as coco

from densefit.data.geometry.rle import decode_runs

_SHARP = 4.0  # factor from which enlarged pixels are drawn as squares
_DECODED = 1 << 24  # pixels; of larger masks only the drawn pixels are decoded


@dataclass(frozen=True)
class Fitted:
    """Resizes images, boxes, keypoints, masks and maps from one size to another.

    Attributes:
        size: (height, width) of the image.
        drawn: (height, width) of the drawing.
    """

    size: tuple[int, int]
    drawn: tuple[int, int]

    @classmethod
    def within(cls, size: tuple[int, int], smallest: int, largest: int) -> Fitted:
        """Choose a drawing whose longer side has up to `largest` and over half `smallest` pixels.

        Small images are enlarged by a whole factor, up to `smallest` pixels, so that single pixels
        are visible: an image of 200 pixels is not enlarged to 320. If both are equal, so is the
        longer side of every drawing.

        >>> Fitted.within((1000, 4000), 320, 720).drawn, Fitted.within((8, 8), 320, 720).drawn
        ((180, 720), (320, 320))
        """
        longer = max(size)
        is_exact = longer > largest or smallest == largest
        factor = largest / longer if is_exact else float(max(1, smallest // longer))
        height, width = (max(1, round(side * factor)) for side in size)
        return cls((int(size[0]), int(size[1])), (height, width))

    def image(self, image: np.ndarray) -> np.ndarray:
        """Resize an (H, W, 3) image to the drawing."""
        if self.drawn == self.size:
            return image
        factor = max(self.drawn) / max(self.size)
        # Pixels of unequal size are ugly, unless each is large.
        is_sharp = factor >= _SHARP or factor == round(factor)
        interpolation = cv2.INTER_NEAREST if is_sharp else cv2.INTER_LINEAR
        interpolation = cv2.INTER_AREA if self.drawn < self.size else interpolation
        return np.asarray(cv2.resize(image, self.drawn[::-1], interpolation=interpolation))

    def __call__(self, value: Any) -> Any:
        """Resize a head's prediction or ground truth to the drawing.

        In a mapping "boxes" (n, 4), "bbox" (n, 4), "keypoints" (n, K, 2 or 3) and "masks" (arrays
        (n, H, W), or a list of run lengths) are resized; so is any array (H, W, ...) of the image's
        size. Other values do not change.
        """
        if self.drawn == self.size:
            return value
        if isinstance(value, Mapping):
            return {key: self._named(key, part) for key, part in value.items()}
        if isinstance(value, np.ndarray) and value.shape[:2] == self.size:
            return self._map(value)
        return value

    def _named(self, name: str, value: Any) -> Any:
        scale = np.array(self.drawn[::-1]) / np.array(self.size[::-1])
        if name in ("boxes", "bbox"):
            return np.asarray(value, np.float64).reshape(-1, 4) * np.tile(scale, 2)
        if name == "keypoints":
            points = np.array(value, np.float64)
            points[..., :2] *= scale
            return points
        if name == "masks":
            if isinstance(value, np.ndarray) and value.ndim == 3:
                return np.moveaxis(self._map(np.moveaxis(value, 0, -1)), -1, 0)
            return [self._mask(mask) for mask in value]
        return self(value)

    def _indices(self) -> list[np.ndarray]:
        """Rows and columns of the image that are nearest to the rows and columns of the drawing."""
        return [
            ((np.arange(count) + 0.5) * (side / count)).astype(np.int64).clip(max=side - 1)
            for side, count in zip(self.size, self.drawn)
        ]

    def _map(self, values: np.ndarray) -> np.ndarray:
        rows, columns = self._indices()
        chosen: np.ndarray = values[rows[:, None], columns]
        return chosen

    def _mask(self, mask: Any) -> Any:
        """Resize run lengths, or an array (H, W)."""
        if not isinstance(mask, Mapping):
            return self(np.asarray(mask))
        height, width = mask["size"]
        if height * width <= _DECODED and not isinstance(mask["counts"], list):
            pixels = self._map(coco.decode(dict(mask)))
        else:  # an odd number of runs ends before the pixels of an object, column by column
            ends = np.cumsum(decode_runs(mask["counts"]))
            rows, columns = self._indices()
            at = columns[None, :] * height + rows[:, None]
            pixels = (np.searchsorted(ends, at, side="right") % 2).astype(np.uint8)
        return coco.encode(np.asfortranarray(pixels, np.uint8))
