"""Maps -> the best objects of each image, and the peaks of each keypoint. Symbols."""

from __future__ import annotations

from typing import Any

from densefit.backend import mx

from .maps import STRIDE, cell_corner, cell_index, gather_cells, gather_each, gather_pairs


def peaks(logits: Any) -> Any:
    """(B, C, h, w) probabilities where none of the 8 neighbours is higher, else 0."""
    probability = mx.sym.sigmoid(logits)
    highest = mx.sym.Pooling(probability, kernel=(3, 3), pad=(1, 1), stride=(1, 1), pool_type="max")
    return probability * (probability == highest)


def objects(made: dict[str, Any], size: tuple[int, int], keypoints: int, limit: int) -> Any:
    """The objects at the highest peaks of the centres.

    Args:
        made: of `maps`.
        size: (h, w) of the maps.
        keypoints: K.
        limit: how many, at most classes * h * w.

    Returns:
        (B, limit, 6 + 3 K) [class, score, x1, y1, x2, y2, then x, y, confidence of each keypoint]
        in input pixels, by falling score. The confidence is what the keypoint's heat map says
        there, or 1 without one.
    """
    cells = size[0] * size[1]
    best = mx.sym.topk(
        mx.sym.reshape(peaks(made["centre"]), shape=(0, -1)), k=limit, axis=1, ret_typ="both"
    )
    score, index = best[0], best[1]
    # Indices travel as float32, exact below 2**24.
    label = mx.sym.floor((index + 0.5) / cells)
    cell = index - label * cells
    x, y = cell_corner(cell, size[1])
    start = mx.sym.stack(x, y, axis=2)
    box = gather_cells(made["box"], cell)
    centre = start + mx.sym.slice_axis(box, axis=2, begin=0, end=2)
    half = mx.sym.relu(mx.sym.slice_axis(box, axis=2, begin=2, end=4)) / 2
    place = mx.sym.reshape(gather_cells(made["place"], cell), shape=(0, 0, keypoints, 2))
    place = mx.sym.broadcast_add(place, mx.sym.expand_dims(start, axis=2))
    x, y = (
        mx.sym.reshape(mx.sym.slice_axis(place, axis=3, begin=i, end=i + 1), shape=(0, 0, 0))
        for i in (0, 1)
    )
    if "joint" in made:
        sure = gather_each(mx.sym.sigmoid(made["joint"]), cell_index(x, y, size))
    else:
        sure = mx.sym.ones_like(x)
    points = mx.sym.reshape(mx.sym.stack(x * STRIDE, y * STRIDE, sure, axis=3), shape=(0, 0, -1))
    return mx.sym.concat(
        mx.sym.expand_dims(label, axis=2),
        mx.sym.expand_dims(score, axis=2),
        (centre - half) * STRIDE,
        (centre + half) * STRIDE,
        points,
        dim=2,
    )


def joint_peaks(made: dict[str, Any], size: tuple[int, int], keypoints: int, limit: int) -> Any:
    """The highest peaks of each keypoint's heat map.

    Args:
        made: of `maps`, with `joint` and `rest`.
        size: (h, w) of the maps.
        keypoints: K.
        limit: how many of each keypoint, at most h * w.

    Returns:
        (B, K, limit, 3) x, y in input pixels, and the probability, falling.
    """
    heat = mx.sym.reshape(peaks(made["joint"]), shape=(0, 0, -1))
    best = mx.sym.topk(heat, k=limit, axis=2, ret_typ="both")
    cell = mx.sym.transpose(best[1], axes=(0, 2, 1))
    start = mx.sym.stack(*cell_corner(cell, size[1]), axis=3)
    place = (start + gather_pairs(made["rest"], cell, keypoints)) * STRIDE
    place = mx.sym.transpose(place, axes=(0, 2, 1, 3))
    return mx.sym.concat(place, mx.sym.expand_dims(best[0], axis=3), dim=3)
