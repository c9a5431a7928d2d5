"""The loss of the masks. Symbols.

Bolya et al., "YOLACT", ICCV 2019, section 3.2: cross-entropy of each pixel, within the true box,
divided by the box's area.
"""

from __future__ import annotations

from typing import Any

from densefit.backend import mx
from densefit.data.geometry.instance_map import NONE, UNKNOWN


def mask_loss(logits: Any, instances: Any, owner: Any, window: Any, size: tuple[int, int]) -> Any:
    """(B,) mean over an image's masks of the mean cross-entropy within the box.

    Cells of which nothing is known count nowhere. An image without masks to learn gives 0.

    Args:
        logits: (B, N, h, w).
        instances: (B, h, w) ids.
        owner: (B, N) the id that each mask learns, 0 for none.
        window: (B, N, 4) first column, first row, and those behind the last; in cells.
        size: (h, w).
    """
    height, width = size
    inside = mx.sym.broadcast_mul(
        mx.sym.reshape(_between(window, 1, height), shape=(0, 0, height, 1)),
        mx.sym.reshape(_between(window, 0, width), shape=(0, 0, 1, width)),
    )
    cells = mx.sym.expand_dims(instances, axis=1)
    weight = mx.sym.BlockGrad(mx.sym.broadcast_mul(inside, cells != UNKNOWN))
    target = mx.sym.BlockGrad(
        mx.sym.broadcast_equal(cells, mx.sym.reshape(owner, shape=(0, 0, 1, 1)))
    )
    # -t log s(x) - (1 - t) log(1 - s(x)), without overflow.
    entropy = (
        mx.sym.relu(logits)
        - logits * target
        + mx.sym.Activation(-mx.sym.abs(logits), act_type="softrelu")
    )
    total = mx.sym.sum(entropy * weight, axis=(2, 3))
    mean = total / mx.sym.maximum(mx.sym.sum(weight, axis=(2, 3)), 1)
    learned = mx.sym.BlockGrad(owner != NONE)
    return mx.sym.sum(mean * learned, axis=1) / mx.sym.maximum(mx.sym.sum(learned, axis=1), 1)


def _between(window: Any, first: int, cells: int) -> Any:
    """(B, N, cells), 1 where a row (or column) is within its window."""
    place = mx.sym.reshape(mx.sym.arange(0, cells), shape=(1, 1, cells))
    low, high = (mx.sym.slice_axis(window, axis=2, begin=i, end=i + 1) for i in (first, first + 2))
    return mx.sym.broadcast_mul(
        mx.sym.broadcast_greater_equal(place, low), mx.sym.broadcast_lesser(place, high)
    )
