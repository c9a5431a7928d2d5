"""Mask loss. Symbols.

Bolya et al., "YOLACT", ICCV 2019, section 3.2: cross-entropy of each pixel, within the true box,
divided by the box's area.
"""

from __future__ import annotations

from typing import Any

from densefit.data.geometry.instance_map import NONE, UNKNOWN
from densefit.model.losses.binary_cross_entropy import binary_cross_entropy
from densefit.symbol import sym


def mask_loss(logits: Any, instances: Any, owner: Any, window: Any, size: tuple[int, int]) -> Any:
    """(B,) cross-entropy averaged within each box, then over the masks of an image.

    Void cells do not count. The loss of an image without trained masks is 0.

    Args:
        logits: (B, N, h, w).
        instances: (B, h, w) instance ids.
        owner: (B, N) instance id of each mask, 0 for none.
        window: (B, N, 4) x1, y1, x2, y2 in cells, ends exclusive.
        size: (h, w).
    """
    height, width = size
    inside = sym.broadcast_mul(
        sym.reshape(_between(window, 1, height), shape=(0, 0, height, 1)),
        sym.reshape(_between(window, 0, width), shape=(0, 0, 1, width)),
    )
    cells = sym.expand_dims(instances, axis=1)
    weight = sym.BlockGrad(sym.broadcast_mul(inside, cells != UNKNOWN))
    target = sym.BlockGrad(sym.broadcast_equal(cells, sym.reshape(owner, shape=(0, 0, 1, 1))))
    entropy = binary_cross_entropy(logits, target)
    total = sym.sum(entropy * weight, axis=(2, 3))
    mean = total / sym.maximum(sym.sum(weight, axis=(2, 3)), 1)
    learned = sym.BlockGrad(owner != NONE)
    return sym.sum(mean * learned, axis=1) / sym.maximum(sym.sum(learned, axis=1), 1)


def _between(window: Any, first: int, cells: int) -> Any:
    """(B, N, cells), 1 for rows (or columns) inside the window."""
    position = sym.reshape(sym.arange(0, cells), shape=(1, 1, cells))
    low, high = (sym.slice_axis(window, axis=2, begin=i, end=i + 1) for i in (first, first + 2))
    return sym.broadcast_mul(
        sym.broadcast_greater_equal(position, low), sym.broadcast_lesser(position, high)
    )
