"""Means over a grid of regions, and grids stretched to a size. Symbols.

Products with matrices that are computed in the graph: both engines and ONNX have them, sizes
travel with the input, and nothing is a parameter.
"""

from __future__ import annotations

from typing import Any

from densefit.symbol import sym


def pooled_means(x: Any, size: tuple[int, int], count: int) -> Any:
    """Means of a (B, C, h, w) map over count x count regions, as PyTorch's adaptive pooling.

    Region i covers the rows from floor(i h / count) to ceil((i + 1) h / count), exclusive; regions
    overlap where h is no multiple of count.

    Args:
        x: feature map.
        size: (h, w) of x.
        count: rows and columns of the result.
    """
    if count == 1:
        return sym.mean(x, axis=(2, 3), keepdims=True)
    return _along_both(x, _mean_matrix(size[0], count), _mean_matrix(size[1], count))


def stretched(x: Any, count: int, size: tuple[int, int]) -> Any:
    """Stretch a (B, C, count, count) grid bilinearly, the corners' centres aligned.

    Args:
        x: grid.
        count: rows and columns of x.
        size: (height, width) of the result.
    """
    return _along_both(x, _stretching_matrix(count, size[0]), _stretching_matrix(count, size[1]))


def _along_both(x: Any, rows: Any, columns: Any) -> Any:
    """Products of a map's columns and rows with matrices (before, after)."""
    x = sym.transpose(sym.dot(x, columns), axes=(0, 1, 3, 2))
    return sym.transpose(sym.dot(x, rows), axes=(0, 1, 3, 2))


def _mean_matrix(size: int, count: int) -> Any:
    """(size, count): 1 / length of the region where the cell is in it, else 0."""
    cell = sym.reshape(sym.arange(0, size), shape=(size, 1))
    region = sym.reshape(sym.arange(0, count), shape=(1, count))
    # Half a step more than the whole number before the division, so that rounding is harmless.
    begin = sym.floor((region * size + 0.5) * (1.0 / count))
    end = sym.floor((region * size + (size + count - 0.5)) * (1.0 / count))
    inside = sym.broadcast_mul(
        sym.broadcast_greater_equal(cell, begin), sym.broadcast_lesser(cell, end)
    )
    return sym.broadcast_div(inside, end - begin)


def _stretching_matrix(count: int, size: int) -> Any:
    """(count, size) weights of linear interpolation with aligned corners."""
    source = sym.reshape(sym.arange(0, count), shape=(count, 1))
    step = (count - 1) / (size - 1) if size > 1 else 0.0
    position = sym.reshape(sym.arange(0, size) * step, shape=(1, size))
    return sym.relu(1.0 - sym.abs(sym.broadcast_sub(position, source)))
