"""Geometric operations, which Compose can fuse into one interpolation.

A transform that changes positions, by the size of the image and chance alone, returns a list of
operations. Each interpolation costs time and sharpness, so consecutive operations with a general
map (a rotation, say) are fused into one warp, if the result is the same: nothing that an operation
cropped may come back into the image. Sequences of crops, resizes and flips stay separate: a crop is
a view, and resizing it takes less time than a warp.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from densefit.data.geometry.image_ops import GREY, Fill, crop, flip, resize, rotate90
from densefit.data.geometry.warp import warp
from densefit.data.homography import as_3x3, move_boxes, project
from densefit.data.sample import Sample
from densefit.old_paths import former_names

_TOLERANCE = 1e-3  # pixels, for rounding


@dataclass(frozen=True)
class GeometricOp:
    """One geometric operation on an image.

    Attributes:
        matrix: (3, 3) map from pixels before to pixels after.
        size: (height, width) after.
        name: "crop", "resize", "flip", "rotate90" or "warp": the fastest way to apply it alone.
        fill: colour outside of the image; None if no pixel lies there.
    """

    matrix: np.ndarray
    size: tuple[int, int]
    name: str = "warp"
    fill: Fill | None = None

    def __call__(self, sample: Sample) -> Sample:
        """Apply this operation alone."""
        height, width = self.size
        fill = GREY if self.fill is None else self.fill
        if self.name == "crop":
            left, top = (-self.matrix[:2, 2]).astype(int).tolist()
            return crop(sample, left, top, width, height, fill)
        if self.name == "resize":
            return resize(sample, height, width)
        if self.name == "flip":
            return flip(sample, vertical=bool(self.matrix[1, 1] < 0))
        if self.name == "rotate90":
            return rotate90(sample, _quarters(self.matrix))
        return warp(sample, self.matrix, height, width, fill)


class GeometricTransform:
    """A transform made of geometric operations, drawn by the image size and chance alone."""

    def ops(self, size: tuple[int, int], rng: np.random.Generator) -> list[GeometricOp]:
        """Draw the operations for an image of `size` (height, width)."""
        former = getattr(self, "moves", None)
        if former is None:
            raise NotImplementedError(f"{type(self).__name__}.ops")
        warnings.warn(
            f"{type(self).__name__}.moves is now called ops", DeprecationWarning, stacklevel=2
        )
        return list(former(size, rng))

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Draw and apply the operations."""
        height, width = sample.image.shape[:2]
        return apply_ops(sample, self.ops((height, width), rng))


def crop_op(left: int, top: int, width: int, height: int, fill: Fill = GREY) -> GeometricOp:
    """Crop to a window of whole pixels."""
    matrix = np.array([[1.0, 0.0, -left], [0.0, 1.0, -top], [0.0, 0.0, 1.0]])
    return GeometricOp(matrix, (height, width), "crop", fill)


def resize_op(size: tuple[int, int], height: int, width: int) -> GeometricOp:
    """Resize an image of `size` to `height` x `width`."""
    return GeometricOp(np.diag([width / size[1], height / size[0], 1.0]), (height, width), "resize")


def flip_op(size: tuple[int, int], vertical: bool = False) -> GeometricOp:
    """Flip left and right, or top and bottom."""
    height, width = size
    matrix = np.diag([1.0, -1.0, 1.0] if vertical else [-1.0, 1.0, 1.0])
    matrix[:2, 2] = (0, height) if vertical else (width, 0)
    return GeometricOp(matrix, size, "flip")


def rotate90_op(size: tuple[int, int], quarters: int) -> GeometricOp:
    """Rotate by quarter turns, counter-clockwise."""
    matrix = np.eye(3)
    for _ in range(quarters % 4):
        matrix = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, size[1]], [0.0, 0.0, 1.0]]) @ matrix
        size = size[::-1]
    return GeometricOp(matrix, size, "rotate90")


def apply_ops(sample: Sample, ops: Sequence[GeometricOp]) -> Sample:
    """Apply operations in order, with as few interpolations as possible."""
    height, width = sample.image.shape[:2]
    for op in fuse_ops((height, width), ops):
        sample = op(sample)
    return sample


def fuse_ops(size: tuple[int, int], ops: Sequence[GeometricOp]) -> list[GeometricOp]:
    """Fuse operations on an image of `size` into one warp where the result is the same.

    >>> third = resize_op((30, 30), 10, 10)
    >>> [op.name for op in fuse_ops((30, 30), [GeometricOp(np.eye(3), (30, 30)), third])]
    ['warp']
    """
    if all(op.name != "warp" for op in ops):
        return list(ops)
    result: list[GeometricOp] = []
    start = 0
    while start < len(ops):
        end = start + 1
        while end < len(ops) and _can_fuse(size, ops[start : end + 1]):
            end += 1
        group = ops[start:end]
        # Without a warp, the operations are faster one by one.
        if len(group) > 1 and any(op.name == "warp" for op in group):
            result.append(_product(group))
            start = end
        else:
            result.append(group[0])
            start += 1
        size = result[-1].size
    return result


def _product(ops: Sequence[GeometricOp]) -> GeometricOp:
    matrix = np.eye(3)
    for op in ops:
        matrix = as_3x3(op.matrix) @ matrix
    fills = [op.fill for op in ops if op.fill is not None]
    return GeometricOp(matrix, ops[-1].size, "warp", fills[0] if fills else None)


def _can_fuse(size: tuple[int, int], ops: Sequence[GeometricOp]) -> bool:
    """Whether one warp by the product of operations gives the same image."""
    fills = [op.fill for op in ops if op.fill is not None]
    if any(fill != fills[0] for fill in fills):
        return False
    after = _product(ops)
    before, end = np.eye(3), _corners(after.size)
    for op in ops[:-1]:
        before = as_3x3(op.matrix) @ before
        extent = move_boxes(np.array([[0, 0, size[1], size[0]]]), before)[0]
        if _inside(extent.reshape(2, 2), op.size):
            continue  # it crops nothing
        # The final image must lie in the window that was cropped here.
        corners = project(end, before @ np.linalg.inv(after.matrix))
        if not _inside(corners, op.size):
            return False
    return True


def _inside(points: np.ndarray, size: tuple[int, int]) -> bool:
    height, width = size
    return bool(
        (points >= -_TOLERANCE).all() and (points <= np.add((width, height), _TOLERANCE)).all()
    )


def _corners(size: tuple[int, int]) -> np.ndarray:
    height, width = size
    return np.array([[0, 0], [width, 0], [0, height], [width, height]], np.float64)


def _quarters(matrix: np.ndarray) -> int:
    """Number of quarter turns of a matrix, 0 to 3."""
    return {(1, 0): 0, (0, -1): 1, (-1, 0): 2, (0, 1): 3}[
        int(round(matrix[0, 0])), int(round(matrix[1, 0]))
    ]


__getattr__ = former_names(
    __name__,
    {
        "Move": "GeometricOp",
        "Geometric": "GeometricTransform",
        "moved_by": "apply_ops",
        "joined": "fuse_ops",
        "cropping": "crop_op",
        "resizing": "resize_op",
        "mirroring": "flip_op",
        "turning": "rotate90_op",
    },
)
