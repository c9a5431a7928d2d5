"""Arithmetic of boxes (B, N, 4) xyxy, as in torchvision. Symbols.

Offsets: Girshick et al., "Rich feature hierarchies...", CVPR 2014, appendix C.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from densefit.symbol import sym

#: A box is at most so many times as wide as the box that it is an offset of: exp(4.135).
MAX_GROWTH = math.log(1000 / 16)


def columns(*values: float) -> Any:
    """(1, 1, n) constants."""
    return sym.concat(*(sym.full((1, 1, 1), value) for value in values), dim=2)


def corners(boxes: Any) -> tuple[Any, Any]:
    """(B, N, 2) upper left and lower right corners."""
    low, high = (sym.slice_axis(boxes, axis=2, begin=i, end=i + 2) for i in (0, 2))
    return low, high


def decode(offsets: Any, boxes: Any, weights: Sequence[float]) -> Any:
    """Boxes moved by offsets (dx, dy, dw, dh), which are divided by (4,) weights first."""
    low, high = corners(boxes)
    side = high - low
    shift, growth = corners(sym.broadcast_div(offsets, columns(*weights)))
    center = shift * side + (low + side * 0.5)
    half = sym.exp(sym.minimum(growth, MAX_GROWTH)) * side * 0.5
    return sym.concat(center - half, center + half, dim=2)


def encode(targets: Any, boxes: Any, weights: Sequence[float]) -> Any:
    """Offsets with which `decode` makes `targets` of `boxes`; all sides must be positive."""
    (target_low, target_high), (low, high) = corners(targets), corners(boxes)
    target_side, side = target_high - target_low, high - low
    shift = ((target_low + target_side * 0.5) - (low + side * 0.5)) / side
    growth = sym.log(target_side / side)
    return sym.broadcast_mul(sym.concat(shift, growth, dim=2), columns(*weights))


def clip(boxes: Any, input_size: tuple[int, int]) -> Any:
    """Boxes cut at the edges of the input (height, width)."""
    height, width = input_size
    limits = columns(width, height, width, height)
    return sym.broadcast_minimum(sym.maximum(boxes, 0), limits)


def shortest_side(boxes: Any) -> Any:
    """(B, N) the shorter side of each box."""
    low, high = corners(boxes)
    return sym.min(high - low, axis=2)


def area(boxes: Any) -> Any:
    """(B, N) areas."""
    low, high = corners(boxes)
    return sym.prod(high - low, axis=2)


def intersection(boxes: Any, rivals: Any) -> Any:
    """(B, N, M) areas that (B, N, 4) boxes share with (B, M, 4) rivals."""
    (low, high), (other_low, other_high) = corners(boxes), corners(rivals)
    sides = []
    for axis in (0, 1):
        first = sym.broadcast_maximum(_column(low, axis), _row(other_low, axis))
        last = sym.broadcast_minimum(_column(high, axis), _row(other_high, axis))
        sides.append(sym.maximum(last - first, 0))
    return sides[0] * sides[1]


def _column(points: Any, axis: int) -> Any:
    """(B, N, 1) coordinates of an axis."""
    return sym.slice_axis(points, axis=2, begin=axis, end=axis + 1)


def _row(points: Any, axis: int) -> Any:
    """(B, 1, M) coordinates of an axis."""
    return sym.transpose(_column(points, axis), axes=(0, 2, 1))


def rows_at(data: Any, index: Any) -> Any:
    """(B, K, ...) rows of (B, N, ...) at (B, K) indices of each sample."""
    sample = sym.reshape(sym.contrib.arange_like(index, axis=0), shape=(-1, 1))
    return sym.gather_nd(data, sym.stack(sym.broadcast_like(sample, index), index, axis=0))
