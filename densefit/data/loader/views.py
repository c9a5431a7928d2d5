"""Views of an image for test-time augmentation: flipped, scaled, sliding windows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from densefit.data.geometry.image_ops import GREY, crop, flip, resize
from densefit.data.sample import Geometry, Sample
from densefit.errors import ConfigError
from densefit.numeric import real

_ROUNDING = 1e-9  # 100 * (1 - 0.9) is a little less than 10
FITS = ("letterbox", "stretch", "original")


@dataclass(frozen=True)
class View(Geometry):
    """Geometry of one view: a window of the resized image.

    Attributes:
        scaled: (height, width) of the whole resized image, in pixels.
        corner: (top, left) of the window in the resized image; negative outside of it.
        mirrored: whether the window is flipped left to right.
    """

    scaled: tuple[int, int] = (0, 0)
    corner: tuple[int, int] = (0, 0)
    mirrored: bool = False


@dataclass(frozen=True)
class Views:
    """Settings of test-time augmentation: the views of each image.

    An image is resized as `fit` and a scale determine. If the result is larger than the network's
    input, evenly spaced windows of the input size cover it, with the first and the last at its
    edges; if it is smaller, it is padded with grey. Heads merge their outputs of all views into one
    prediction for each pixel or object.

    Attributes:
        flip: add a horizontally flipped copy of each window.
        scales: factors on the fitted size.
        fit: "letterbox" fits the whole image into the input and keeps the aspect ratio; "stretch"
            ignores the aspect ratio; "original" keeps the image's size: sliding windows.
        overlap: least overlap of neighbouring windows, as a fraction of a window, in [0, 1). It is
            limited to 1 - 1 / input size: windows are at least one pixel apart.

    Raises:
        ConfigError: a setting is out of range.
    """

    flip: bool = False
    scales: Sequence[float] = (1.0,)
    fit: str = "letterbox"
    overlap: float = 0.25

    def __post_init__(self) -> None:
        scales = tuple(float(scale) for scale in self.scales)
        object.__setattr__(self, "scales", scales)
        if not scales or not all(0.0 < scale < math.inf for scale in scales):
            raise ConfigError(
                "Views need scales above 0", expected="e.g. (0.75, 1.0, 1.25)", received=scales
            )
        if len(set(scales)) < len(scales):
            raise ConfigError("A scale comes twice", received=scales, where="Views")
        if self.fit not in FITS:
            raise ConfigError(
                "Unknown fit of views", expected=" or ".join(FITS), received=repr(self.fit)
            )
        real(self.overlap, "overlap", least=0.0, below=1.0, where="Views")

    def sizes(self, size: tuple[int, int], input_size: tuple[int, int]) -> list[tuple[int, int]]:
        """(height, width) of the resized image, for each scale.

        Args:
            size: (height, width) of the original.
            input_size: (height, width) of the network's input.
        """
        across = [there / here for there, here in zip(input_size, size)]
        if self.fit == "original":
            across = [1.0, 1.0]
        elif self.fit == "letterbox":
            across = [min(across)] * 2
        return [
            (max(1, round(size[0] * across[0] * s)), max(1, round(size[1] * across[1] * s)))
            for s in self.scales
        ]

    def of(self, sample: Sample, input_size: tuple[int, int]) -> list[tuple[np.ndarray, View]]:
        """Views of a sample: ((H, W, 3) uint8 of `input_size`, geometry) each."""
        height, width = input_size
        bare = replace(sample, targets={}, geometry=None)
        size = (sample.image.shape[0], sample.image.shape[1])
        looks = []
        for scaled in self.sizes(size, input_size):
            whole = resize(bare, *scaled)
            for top in starts(scaled[0], height, self.overlap):
                for left in starts(scaled[1], width, self.overlap):
                    window = crop(whole, left, top, width, height, GREY)
                    for mirrored in (False, True) if self.flip else (False,):
                        seen = flip(window) if mirrored else window
                        geometry = seen.geometry or Geometry.identity(*size)
                        view = View(
                            size, geometry.matrix, input_size, scaled, (top, left), mirrored
                        )
                        looks.append((seen.image, view))
        return looks


def starts(length: int, window: int, overlap: float = 0.0) -> list[int]:
    """Start positions of the fewest windows that cover `length` pixels with enough overlap.

    >>> starts(10, 4, 0.25)
    [0, 3, 6]
    >>> starts(6, 4), starts(4, 4), starts(2, 4)
    ([0, 2], [0], [-1])

    Args:
        length: pixels of the side, at least 1.
        window: pixels of a window.
        overlap: least overlap of neighbouring windows, as a fraction up to 1 - 1 / window.

    Returns:
        Ascending positions in pixels; a single one, at most 0, if the window is not smaller than
        the side, which is then centred in it.
    """
    if length <= window:
        return [-((window - length) // 2)]
    step = max(1, math.floor(window * (1.0 - overlap) + _ROUNDING))
    count = 1 + -(-(length - window) // step)
    return [(length - window) * number // (count - 1) for number in range(count)]
