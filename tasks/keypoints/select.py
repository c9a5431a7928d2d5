"""Output maps -> the best objects of each image, and the peaks of each keypoint. Symbols."""

from __future__ import annotations

from typing import Any

from densefit.symbol import sym

from .maps import STRIDE, cell_corner, cell_index, gather_cells, gather_each, gather_pairs


def peaks(logits: Any) -> Any:
    """(B, C, h, w) probabilities at local maxima (of 8 neighbours), else 0."""
    probability = sym.sigmoid(logits)
    highest = sym.Pooling(probability, kernel=(3, 3), pad=(1, 1), stride=(1, 1), pool_type="max")
    return probability * (probability == highest)


def objects(outputs: dict[str, Any], size: tuple[int, int], keypoints: int, limit: int) -> Any:
    """Objects at the highest peaks of the centre heat maps.

    Args:
        outputs: maps of `maps`.
        size: (h, w) of the maps.
        keypoints: K.
        limit: number of objects, at most classes * h * w.

    Returns:
        (B, limit, 6 + 3 K) [class, score, x1, y1, x2, y2, then x, y, confidence of each keypoint]
        in input pixels, by falling score. The confidence is the value of the keypoint's heat map,
        or 1 without heat maps.
    """
    cells = size[0] * size[1]
    best = sym.topk(
        sym.reshape(peaks(outputs["centre"]), shape=(0, -1)), k=limit, axis=1, ret_typ="both"
    )
    score, index = best[0], best[1]
    # Indices travel as float32, exact below 2**24.
    label = sym.floor((index + 0.5) / cells)
    cell = index - label * cells
    x, y = cell_corner(cell, size[1])
    start = sym.stack(x, y, axis=2)
    box = gather_cells(outputs["box"], cell)
    centre = start + sym.slice_axis(box, axis=2, begin=0, end=2)
    half = sym.relu(sym.slice_axis(box, axis=2, begin=2, end=4)) / 2
    positions = sym.reshape(gather_cells(outputs["place"], cell), shape=(0, 0, keypoints, 2))
    positions = sym.broadcast_add(positions, sym.expand_dims(start, axis=2))
    x, y = (
        sym.reshape(sym.slice_axis(positions, axis=3, begin=i, end=i + 1), shape=(0, 0, 0))
        for i in (0, 1)
    )
    if "joint" in outputs:
        confidence = gather_each(sym.sigmoid(outputs["joint"]), cell_index(x, y, size))
    else:
        confidence = sym.ones_like(x)
    points = sym.reshape(sym.stack(x * STRIDE, y * STRIDE, confidence, axis=3), shape=(0, 0, -1))
    return sym.concat(
        sym.expand_dims(label, axis=2),
        sym.expand_dims(score, axis=2),
        (centre - half) * STRIDE,
        (centre + half) * STRIDE,
        points,
        dim=2,
    )


def joint_peaks(outputs: dict[str, Any], size: tuple[int, int], keypoints: int, limit: int) -> Any:
    """The highest peaks of each keypoint's heat map.

    Args:
        outputs: maps of `maps`, with `joint` and `rest`.
        size: (h, w) of the maps.
        keypoints: K.
        limit: number of peaks per keypoint, at most h * w.

    Returns:
        (B, K, limit, 3) x, y in input pixels, and the probability, falling.
    """
    heat = sym.reshape(peaks(outputs["joint"]), shape=(0, 0, -1))
    best = sym.topk(heat, k=limit, axis=2, ret_typ="both")
    cell = sym.transpose(best[1], axes=(0, 2, 1))
    start = sym.stack(*cell_corner(cell, size[1]), axis=3)
    positions = (start + gather_pairs(outputs["rest"], cell, keypoints)) * STRIDE
    positions = sym.transpose(positions, axes=(0, 2, 1, 3))
    return sym.concat(positions, sym.expand_dims(best[0], axis=3), dim=3)
