"""Anchors of a region proposal network, at the places where torchvision has them.

Sides are even whole numbers, and the centres lie at multiples of the stride: networks that
torchvision trained find the anchors that they know.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from densefit.symbol import sym
from densefit.tasks.detection.anchors import Shapes, anchor_boxes
from densefit.tasks.detection.select import anchor_symbol


def anchor_shapes(sizes: Sequence[float], ratios: Sequence[float]) -> Shapes:
    """(width, height) of the anchors in one cell: each ratio (width : height) in every size.

    >>> anchor_shapes([32], [2, 1, 0.5])
    ((46.0, 22.0), (32.0, 32.0), (22.0, 46.0))
    """
    return tuple(
        (_even(size * math.sqrt(ratio)), _even(size / math.sqrt(ratio)))
        for ratio in ratios
        for size in sizes
    )


def _even(side: float) -> float:
    return 2.0 * max(round(side / 2), 1)


def grid_anchors(
    input_size: tuple[int, int], strides: Sequence[int], shapes: Sequence[Shapes]
) -> np.ndarray:
    """All anchors, level after level: (A, 4) float32 xyxy in input pixels.

    Args:
        input_size: (height, width) of the network's input, in pixels.
        strides: the levels' strides.
        shapes: for each level the (width, height) of its anchors, in pixels.
    """
    levels = [
        anchor_boxes(input_size, (stride,), (level_shapes,)) - np.float32(stride / 2)
        for stride, level_shapes in zip(strides, shapes)
    ]
    return np.concatenate(levels)


def level_anchors(input_size: tuple[int, int], stride: int, shapes: Shapes) -> Any:
    """(A, 4) xyxy anchors of a level, a Symbol; the same as `grid_anchors`."""
    anchors = anchor_symbol(input_size, (stride,), (shapes,))
    center = sym.slice_axis(anchors, axis=1, begin=0, end=2) - stride / 2
    half = sym.slice_axis(anchors, axis=1, begin=2, end=4) / 2
    return sym.concat(center - half, center + half, dim=1)
