"""Losses of "Objects as Points", per sample. Symbols.

Zhou et al., "Objects as Points", arXiv:1904.07850, equations 1 to 3 and section 4.2.
"""

from __future__ import annotations

from typing import Any

from densefit.symbol import sym

from .maps import cell_corner, cell_index, gather_cells, gather_pairs

ALPHA, BETA = 2, 4


def heat_loss(logits: Any, target: Any, mask: Any, annotated: Any = None) -> Any:
    """(B,) penalty-reduced focal loss, divided by the number of peaks (at least 1).

    With p the probability: -(1 - p)^2 log p at a peak, where the target is 1, and
    -(1 - target)^4 p^2 log(1 - p) elsewhere: errors near a peak cost less.

    Args:
        logits: (B, C, h, w).
        target: (B, C, h, w) within 0 and 1.
        mask: (B, h, w), 0 where background is ignored.
        annotated: (B, C), 0 for maps whose whole background is ignored; None: no such maps.
    """
    peak = sym.BlockGrad(target == 1)
    weight = sym.broadcast_mul((1 - target) ** BETA, sym.expand_dims(mask, axis=1))
    if annotated is not None:
        weight = sym.broadcast_mul(weight, sym.reshape(annotated, shape=(0, 0, 1, 1)))
    probability = sym.sigmoid(logits)
    # log p and log(1 - p) from logits, to avoid log(0).
    missed = peak * (1 - probability) ** ALPHA * sym.Activation(-logits, act_type="softrelu")
    false = weight * probability**ALPHA * sym.Activation(logits, act_type="softrelu")
    total = sym.sum(missed + false * (1 - peak), axis=(1, 2, 3))
    return total / sym.maximum(sym.sum(peak, axis=(1, 2, 3)), 1)


def box_loss(data: Any, cell: Any, target: Any, size_weight: float) -> Any:
    """(B,) L1 loss of centres and sides, averaged over objects.

    Args:
        data: (B, 4, h, w).
        cell: (B, M), -1 for no object.
        target: (B, M, 4).
        size_weight: factor on the sides.
    """
    is_object = sym.BlockGrad(cell >= 0)
    distance = sym.abs(gather_cells(data, sym.maximum(cell, 0)) - target)
    centre = sym.sum(sym.slice_axis(distance, axis=2, begin=0, end=2), axis=2)
    sides = sym.sum(sym.slice_axis(distance, axis=2, begin=2, end=4), axis=2)
    total = sym.sum((centre + sides * size_weight) * is_object, axis=1)
    return total / sym.maximum(sym.sum(is_object, axis=1), 1)


def place_loss(data: Any, cell: Any, target: Any, keypoints: int) -> Any:
    """(B,) L1 loss of keypoints relative to the centre, averaged over labelled keypoints.

    Args:
        data: (B, 2 K, h, w).
        cell: (B, M), -1 for no object.
        target: (B, M, K, 3) dx, dy, 1 if labelled.
        keypoints: K.
    """
    predicted = gather_cells(data, sym.maximum(cell, 0))
    predicted = sym.reshape(predicted, shape=(0, 0, keypoints, 2))
    return _by_labelled(sym.abs(predicted - _xy(target)), target)


def rest_loss(data: Any, cell: Any, target: Any, keypoints: int, size: tuple[int, int]) -> Any:
    """(B,) L1 loss of keypoints within their cells, averaged over labelled keypoints.

    Args:
        data: (B, 2 K, h, w).
        cell: (B, M), -1 for no object.
        target: (B, M, K, 3) dx, dy from the object's cell, 1 if labelled.
        keypoints: K.
        size: (h, w).
    """
    starts = cell_corner(sym.maximum(cell, 0), size[1])
    x, y = (
        sym.broadcast_add(_column(target, i), sym.expand_dims(start, axis=2))
        for i, start in enumerate(starts)
    )
    own_cell = cell_index(x, y, size)
    expected = sym.stack(x, y, axis=3) - sym.stack(*cell_corner(own_cell, size[1]), axis=3)
    distance = sym.abs(gather_pairs(data, own_cell, keypoints) - sym.BlockGrad(expected))
    return _by_labelled(distance, target)


def _by_labelled(distance: Any, target: Any) -> Any:
    labelled = sym.BlockGrad(_column(target, 2))
    total = sym.sum(sym.sum(distance, axis=3) * labelled, axis=(1, 2))
    return total / sym.maximum(sym.sum(labelled, axis=(1, 2)), 1)


def _xy(target: Any) -> Any:
    return sym.slice_axis(target, axis=3, begin=0, end=2)


def _column(target: Any, index: int) -> Any:
    """(B, M, K) of (B, M, K, n)."""
    column = sym.slice_axis(target, axis=3, begin=index, end=index + 1)
    return sym.reshape(column, shape=(0, 0, 0))
