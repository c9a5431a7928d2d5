"""Random crops for segmentation: a random scale, then a window of fixed size."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from densefit.data.geometry.image_ops import GREY, Fill, fill_repr
from densefit.data.geometry.ops import GeometricOp, GeometricTransform, crop_op, resize_op
from densefit.data.transforms.transform import checked_size, transforms
from densefit.errors import ConfigError

#: What a scale of 1 refers to.
RELATIVE_TO = ("input", "photograph")


@transforms.register("random_scale_crop")
class RandomScaleCrop(GeometricTransform):
    """Scale by a uniform factor in [low, high], then crop a random `height` x `width` window.

    Scale 1 fits the image into `input_size`, the size at evaluation: objects are trained at `low`
    to `high` times their size at evaluation, whether the image has 300 or 4,000 pixels (like the
    scale jittering of Ghiasi et al., "Simple Copy-Paste", CVPR 2021, arXiv:2012.07177, section 3).

    Only the window is resized. It is cropped to whole pixels of the image, so that the factor is
    exact to within one pixel of the window. A scaled image that is smaller than the window is
    placed in it at random.

    Args:
        height: height of the window, in pixels of the result.
        width: width of the window, in pixels of the result.
        low: lowest factor.
        high: highest factor.
        fill: colour outside of the image.
        relative_to: "input", or "photograph": factors on the image's stored pixels, for images of
            one size, or with a fixed pixel size in the world (microscopes, satellites).
        input_size: (height, width) into which scale 1 fits the image, keeping its aspect ratio;
            None: the window. Unused with relative_to="photograph".

    Raises:
        ConfigError: a setting is out of range.
    """

    def __init__(
        self,
        height: int,
        width: int,
        low: float = 0.5,
        high: float = 2.0,
        fill: Fill = GREY,
        relative_to: str = "input",
        input_size: Sequence[int] | None = None,
    ) -> None:
        name = type(self).__name__
        self.output_size = checked_size(height, width, name)
        if relative_to not in RELATIVE_TO:
            raise ConfigError(
                "A scale is relative to the network's input or to the photograph",
                expected=" or ".join(map(repr, RELATIVE_TO)),
                received=repr(relative_to),
                where=f"{name}, relative_to",
            )
        self.relative_to = relative_to
        self.input_size = _checked_pair(input_size, name) or self.output_size
        if not 0 < low <= high:
            raise ConfigError(
                "The range of scales must be positive and in order",
                received=f"low={low}, high={high}",
                where=name,
            )
        self.low, self.high, self.fill = low, high, fill

    def ops(self, size: tuple[int, int], rng: np.random.Generator) -> list[GeometricOp]:
        """Draw a window, and resize it to `output_size`."""
        height, width = self.output_size
        window = self.window(size, rng)
        top = offset(size[0], window[0], rng)
        left = offset(size[1], window[1], rng)
        return [
            crop_op(left, top, window[1], window[0], self.fill),
            resize_op(window, height, width),
        ]

    def window(self, size: tuple[int, int], rng: np.random.Generator) -> tuple[int, int]:
        """Draw a scale: (height, width) of a window in pixels of a photograph of `size`."""
        scale = rng.uniform(self.low, self.high)
        if self.relative_to == "input":
            scale *= min(fitted / side for fitted, side in zip(self.input_size, size))
        height, width = self.output_size
        return max(1, round(height / scale)), max(1, round(width / scale))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.settings()}{fill_repr(self.fill)})"

    def settings(self) -> str:
        """Size and scales. A checkpoint's identity holds them, with what the scales refer to."""
        height, width = self.output_size
        scales = f"{height}, {width}, {self.low}, {self.high}"
        if self.relative_to == "photograph":
            return scales
        return f"{scales}, relative_to='input', input_size={self.input_size}"


@transforms.register("random_crop")
class RandomCrop(RandomScaleCrop):
    """Crop a random window without resizing; smaller images are padded."""

    def __init__(self, height: int, width: int, fill: Fill = GREY) -> None:
        super().__init__(height, width, 1.0, 1.0, fill, "photograph")


def offset(size: int, window: int, rng: np.random.Generator) -> int:
    """Draw the start of a window: inside the image or, if larger, around it."""
    low, high = sorted((0, size - window))
    return int(rng.integers(low, high + 1))


def _checked_pair(size: Sequence[int] | None, where: str) -> tuple[int, int] | None:
    """(height, width) of an input size. Raises ConfigError if it is not two whole numbers."""
    if size is None:
        return None
    pair = tuple(size)
    if len(pair) != 2:
        raise ConfigError(
            "An input size is a height and a width",
            expected="two whole numbers of pixels",
            received=pair,
            where=f"{where}, input_size",
        )
    return checked_size(*pair, f"{where}, input_size")
