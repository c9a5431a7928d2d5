"""The losses of "Objects as Points", one number an image. Symbols.

Zhou et al., "Objects as Points", arXiv:1904.07850, equations 1 to 3 and section 4.2.
"""

from __future__ import annotations

from typing import Any

from densefit.backend import mx

from .maps import cell_corner, cell_index, gather_cells, gather_pairs

ALPHA, BETA = 2, 4


def heat_loss(logits: Any, target: Any, mask: Any, known: Any = None) -> Any:
    """(B,) penalty-reduced focal loss, divided by the number of peaks (at least 1).

    With p the probability: -(1 - p)^2 log p at a peak, where the target is 1, and
    -(1 - target)^4 p^2 log(1 - p) elsewhere. Near a peak it costs less to be wrong.

    Args:
        logits: (B, C, h, w).
        target: (B, C, h, w) within 0 and 1.
        mask: (B, h, w), 0 where what is no peak is ignored.
        known: (B, C), 0 for maps in which it is ignored everywhere; None: there is none.
    """
    peak = mx.sym.BlockGrad(target == 1)
    weight = mx.sym.broadcast_mul((1 - target) ** BETA, mx.sym.expand_dims(mask, axis=1))
    if known is not None:
        weight = mx.sym.broadcast_mul(weight, mx.sym.reshape(known, shape=(0, 0, 1, 1)))
    probability = mx.sym.sigmoid(logits)
    # log p and log(1 - p) out of the logits: no probability is ever 0
    missed = peak * (1 - probability) ** ALPHA * mx.sym.Activation(-logits, act_type="softrelu")
    false = weight * probability**ALPHA * mx.sym.Activation(logits, act_type="softrelu")
    total = mx.sym.sum(missed + false * (1 - peak), axis=(1, 2, 3))
    return total / mx.sym.maximum(mx.sym.sum(peak, axis=(1, 2, 3)), 1)


def box_loss(data: Any, cell: Any, target: Any, size_weight: float) -> Any:
    """(B,) L1 loss of the centres in their cells, plus that of the sides, by objects.

    Args:
        data: (B, 4, h, w).
        cell: (B, M), -1 for no object.
        target: (B, M, 4).
        size_weight: factor on the sides.
    """
    there = mx.sym.BlockGrad(cell >= 0)
    away = mx.sym.abs(gather_cells(data, mx.sym.maximum(cell, 0)) - target)
    centre = mx.sym.sum(mx.sym.slice_axis(away, axis=2, begin=0, end=2), axis=2)
    sides = mx.sym.sum(mx.sym.slice_axis(away, axis=2, begin=2, end=4), axis=2)
    total = mx.sym.sum((centre + sides * size_weight) * there, axis=1)
    return total / mx.sym.maximum(mx.sym.sum(there, axis=1), 1)


def place_loss(data: Any, cell: Any, target: Any, keypoints: int) -> Any:
    """(B,) L1 loss of the keypoints as seen from the centre, by labelled keypoints.

    Args:
        data: (B, 2 K, h, w).
        cell: (B, M), -1 for no object.
        target: (B, M, K, 3) dx, dy, 1 if labelled.
        keypoints: K.
    """
    found = gather_cells(data, mx.sym.maximum(cell, 0))
    found = mx.sym.reshape(found, shape=(0, 0, keypoints, 2))
    return _by_labelled(mx.sym.abs(found - _xy(target)), target)


def rest_loss(data: Any, cell: Any, target: Any, keypoints: int, size: tuple[int, int]) -> Any:
    """(B,) L1 loss of the keypoints as seen from their own cells, by labelled keypoints.

    Args:
        data: (B, 2 K, h, w).
        cell: (B, M), -1 for no object.
        target: (B, M, K, 3) dx, dy from the object's cell, 1 if labelled.
        keypoints: K.
        size: (h, w).
    """
    starts = cell_corner(mx.sym.maximum(cell, 0), size[1])
    x, y = (
        mx.sym.broadcast_add(_column(target, i), mx.sym.expand_dims(start, axis=2))
        for i, start in enumerate(starts)
    )
    own = cell_index(x, y, size)
    wanted = mx.sym.stack(x, y, axis=3) - mx.sym.stack(*cell_corner(own, size[1]), axis=3)
    away = mx.sym.abs(gather_pairs(data, own, keypoints) - mx.sym.BlockGrad(wanted))
    return _by_labelled(away, target)


def _by_labelled(away: Any, target: Any) -> Any:
    labelled = mx.sym.BlockGrad(_column(target, 2))
    total = mx.sym.sum(mx.sym.sum(away, axis=3) * labelled, axis=(1, 2))
    return total / mx.sym.maximum(mx.sym.sum(labelled, axis=(1, 2)), 1)


def _xy(target: Any) -> Any:
    return mx.sym.slice_axis(target, axis=3, begin=0, end=2)


def _column(target: Any, index: int) -> Any:
    """(B, M, K) of (B, M, K, n)."""
    column = mx.sym.slice_axis(target, axis=3, begin=index, end=index + 1)
    return mx.sym.reshape(column, shape=(0, 0, 0))
