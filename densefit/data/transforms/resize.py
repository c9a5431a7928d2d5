"""Deterministic transforms to a fixed size, for evaluation and training."""

from __future__ import annotations

import numpy as np

from densefit.data.geometry.image_ops import GREY, Fill, fill_repr
from densefit.data.geometry.ops import GeometricOp, GeometricTransform, crop_op, resize_op
from densefit.data.transforms.transform import checked_size, transforms


@transforms.register("resize")
class Resize(GeometricTransform):
    """Resize to (height, width), and ignore the aspect ratio.

    Args:
        height: of the result, in pixels.
        width: of the result, in pixels.
    """

    def __init__(self, height: int, width: int) -> None:
        self.output_size = checked_size(height, width, "Resize")

    def ops(self, size: tuple[int, int], rng: np.random.Generator) -> list[GeometricOp]:
        """Resize to `output_size`."""
        return [resize_op(size, *self.output_size)]

    def __repr__(self) -> str:
        return "Resize({}, {})".format(*self.output_size)


@transforms.register("letterbox")
class Letterbox(GeometricTransform):
    """Resize to fit, keep the aspect ratio, and pad with `fill`; masks get 255 there.

    Args:
        height: of the result, in pixels.
        width: of the result, in pixels.
        fill: colour of the padding.
    """

    def __init__(self, height: int, width: int, fill: Fill = GREY) -> None:
        self.output_size = checked_size(height, width, "Letterbox")
        self.fill = fill

    def ops(self, size: tuple[int, int], rng: np.random.Generator) -> list[GeometricOp]:
        """Resize to `output_size`."""
        height, width = self.output_size
        scale = min(height / size[0], width / size[1])
        new_height = min(height, max(1, round(size[0] * scale)))
        new_width = min(width, max(1, round(size[1] * scale)))
        ops = [resize_op(size, new_height, new_width)]
        if (new_height, new_width) != (height, width):
            left, top = (width - new_width) // 2, (height - new_height) // 2
            ops.append(crop_op(-left, -top, width, height, self.fill))
        return ops

    def __repr__(self) -> str:
        height, width = self.output_size
        return f"Letterbox({height}, {width}{fill_repr(self.fill)})"
