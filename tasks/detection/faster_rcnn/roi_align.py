"""RoIAlign over the levels of a feature pyramid, made of plain operators. Symbols.

He et al., "Mask R-CNN", ICCV 2017, section 3; the levels by Lin et al., "Feature Pyramid Networks
for Object Detection", CVPR 2017, equation 1. The numbers are torchvision's `MultiScaleRoIAlign`
with `sampling_ratio=2`. All levels are one table of cells, from which the corners around each
sampling point are taken; its gradients are those of `take`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from densefit.symbol import sym
from densefit.tasks.detection.anchors import level_size
from densefit.tasks.detection.checks import check_exact_count

from ..boxes import area

#: Sampling points of a bin in each direction.
SAMPLES = 2
#: Stride of the level for boxes whose sides have the canonical size.
CANONICAL_LEVEL = 4


@dataclass(frozen=True)
class Corners:
    """Cells around the sampling points of each region, and their bilinear weights.

    Attributes:
        cells: (B * K * size * size, 16) int32 rows of the table of `cell_table`.
        weights: (B * K * size * size, 1, 16) float32 with the sum 1; no gradient.
    """

    cells: Any
    weights: Any


def roi_align(levels: Sequence[Any], corners: Corners, size: int) -> Any:
    """Average of the bilinear samples in each bin: (B * K, C, size, size).

    Args:
        levels: (B, C, H, W) of each level.
        corners: of `roi_corners`, for these levels.
        size: bins in each direction.
    """
    samples = sym.take(cell_table(levels), corners.cells)
    bins = sym.batch_dot(corners.weights, samples)
    # A transpose and no reshape before convolutions, whose gradients MXNet cannot reshape on a CPU:
    # "could not create a primitive descriptor for a reorder primitive".
    bins = sym.reshape(bins, shape=(-1, size, size, 0), reverse=True)
    return sym.transpose(bins, axes=(0, 3, 1, 2))


def cell_table(levels: Sequence[Any]) -> Any:
    """(B * cells, C) all cells of all levels, a sample after another."""
    cells = sym.concat(*(sym.reshape(level, shape=(0, 0, -1)) for level in levels), dim=2)
    return sym.reshape(sym.transpose(cells, axes=(0, 2, 1)), shape=(-3, 0))


def roi_corners(
    boxes: Any,
    input_size: tuple[int, int],
    strides: Sequence[int],
    size: int,
    canonical_size: float = 224.0,
    where: str = "",
) -> Corners:
    """Cells and weights of the samples of boxes (B, K, 4), at the level that fits each box.

    Args:
        boxes: xyxy in input pixels.
        input_size: (height, width) of the network's input.
        strides: strides of the levels.
        size: bins in each direction.
        canonical_size: side of the boxes that belong to the level of stride 16.
        where: head and input, for the error.

    Raises:
        ConfigError: there are too many cells for exact indices.
    """
    sizes = [level_size(input_size, stride) for stride in strides]
    cells = sum(height * width for height, width in sizes)
    check_exact_count(cells, "cells of the feature maps", where)
    boxes = sym.BlockGrad(boxes)
    level = _levels(boxes, strides, canonical_size)
    first = [sum(height * width for height, width in sizes[:index]) for index in range(len(sizes))]
    width = _of_level(level, [width for _, width in sizes])
    stride = _of_level(level, strides)
    row, row_weight = _samples(boxes, 1, stride, _of_level(level, [h for h, _ in sizes]), size)
    column, column_weight = _samples(boxes, 0, stride, width, size)
    # Rows of the table: whole numbers, since float32 counts a large batch's cells inexactly.
    row = sym.broadcast_add(sym.broadcast_mul(row, width), _of_level(level, first))
    sample = sym.cast(sym.contrib.arange_like(boxes, axis=0), dtype="int32") * cells
    row = sym.broadcast_add(sym.cast(row, dtype="int32"), sym.reshape(sample, shape=(-1, 1, 1)))
    # (B * K, size, size, 4, 4): bins, corners of the rows, and of the columns.
    rows, columns = (-1, size, 1, 2 * SAMPLES, 1), (-1, 1, size, 1, 2 * SAMPLES)
    flat = sym.broadcast_add(
        sym.reshape(row, shape=rows), sym.reshape(sym.cast(column, dtype="int32"), shape=columns)
    )
    weights = sym.broadcast_mul(
        sym.reshape(row_weight, shape=rows), sym.reshape(column_weight, shape=columns)
    )
    count = (2 * SAMPLES) ** 2
    return Corners(
        sym.BlockGrad(sym.reshape(flat, shape=(-1, count))),
        sym.BlockGrad(sym.reshape(weights, shape=(-1, 1, count))),
    )


def _levels(boxes: Any, strides: Sequence[int], canonical_size: float) -> Any:
    """(B, K, 1) number of the level of each box."""
    first = strides[0].bit_length() - 1
    side = sym.sqrt(sym.maximum(area(boxes), 0))
    exponent = sym.floor(sym.log2(side / canonical_size) + (CANONICAL_LEVEL + 1e-6))
    level = sym.minimum(sym.maximum(exponent - first, 0), len(strides) - 1)
    return sym.expand_dims(level, axis=2)


def _of_level(level: Any, values: Sequence[float]) -> Any:
    """(B, K, 1) the value of each box's level."""
    return sum((level == index) * value for index, value in enumerate(values))


def _samples(boxes: Any, axis: int, stride: Any, cells: Any, size: int) -> tuple[Any, Any]:
    """(B, K, size * 4) cells beside the sampling points along an axis, and their weights.

    The samples of a bin follow each other, each as its lower and its upper cell.

    Args:
        boxes: (B, K, 4) xyxy in input pixels.
        axis: 0 for x, 1 for y.
        stride: (B, K, 1) pixels per cell.
        cells: (B, K, 1) number of cells along the axis.
        size: bins.
    """
    low, high = (
        sym.slice_axis(boxes, axis=2, begin=i, end=i + 1) / stride for i in (axis, axis + 2)
    )
    side = sym.maximum(high - low, 1)  # in cells
    fractions = sym.reshape((sym.arange(0, SAMPLES * size) + 0.5) / (SAMPLES * size), (1, 1, -1))
    point = sym.broadcast_add(low, sym.broadcast_mul(side, fractions))
    point = sym.maximum(sym.broadcast_minimum(point, cells - 1), 0)
    lower = sym.floor(point)
    upper = sym.broadcast_minimum(lower + 1, cells - 1)
    share = point - lower
    return (
        sym.reshape(sym.stack(lower, upper, axis=3), shape=(0, 0, -1)),
        sym.reshape(sym.stack(1 - share, share, axis=3), shape=(0, 0, -1)) / SAMPLES,
    )
