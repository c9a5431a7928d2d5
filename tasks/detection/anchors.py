"""Anchors of an SSD head, and boxes as offsets from them.

Liu et al., "SSD: Single Shot MultiBox Detector", ECCV 2016, section 2.2. Offsets: Girshick et al.,
"Rich feature hierarchies...", CVPR 2014, appendix C.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

Shapes = tuple[tuple[float, float], ...]
#: Scales of the four offsets, as in the SSD authors' code: they bring them to a similar spread.
VARIANCES = (0.1, 0.1, 0.2, 0.2)


def level_size(input_size: tuple[int, int], stride: int) -> tuple[int, int]:
    """(height, width) of the map at `stride`: every halving rounds up."""
    height, width = input_size
    return -(-height // stride), -(-width // stride)


def anchor_shapes(
    sizes: Sequence[float], ratios: Sequence[float], every_ratio: bool = False
) -> Shapes:
    """(width, height) of the anchors in one cell of a level.

    The first size has every ratio (width : height), further sizes only the first ratio, as in
    SSD; with `every_ratio` every size has every ratio, as in RetinaNet.

    >>> anchor_shapes([16, 20], [1, 4])
    ((16.0, 16.0), (32.0, 8.0), (20.0, 20.0))
    """
    pairs = [(size, ratio) for size in sizes[:1] for ratio in ratios]
    pairs += [
        (size, ratio) for size in sizes[1:] for ratio in (ratios if every_ratio else ratios[:1])
    ]
    return tuple((size * math.sqrt(ratio), size / math.sqrt(ratio)) for size, ratio in pairs)


@lru_cache(maxsize=64)
def anchor_boxes(
    input_size: tuple[int, int], strides: tuple[int, ...], shapes: tuple[Shapes, ...]
) -> np.ndarray:
    """All anchors of a network input, level after level.

    Args:
        input_size: (height, width) of the network's input, in pixels.
        strides: the levels' strides.
        shapes: for each level the (width, height) of its anchors, in pixels.

    Returns:
        (A, 4) float32 xyxy in input pixels, read-only (the array is cached). Within a level the
        order is row, column, shape: the order of a (B, H, W, shapes) prediction. Anchors may extend
        beyond the border.
    """
    levels = []
    for stride, level_shapes in zip(strides, shapes):
        height, width = level_size(input_size, stride)
        centers = np.empty((height, width, 1, 2))
        centers[..., 0] = (np.arange(width)[None, :, None] + 0.5) * stride
        centers[..., 1] = (np.arange(height)[:, None, None] + 0.5) * stride
        half = np.asarray(level_shapes, np.float64) / 2
        boxes = np.concatenate([centers - half, centers + half], axis=-1)
        levels.append(boxes.reshape(-1, 4))
    result = np.concatenate(levels).astype(np.float32)
    result.setflags(write=False)
    return result


def anchor_count(
    input_size: tuple[int, int], strides: Sequence[int], shapes: Sequence[Shapes]
) -> int:
    """Number of anchors of `anchor_boxes` for the same arguments."""
    count = 0
    for stride, level_shapes in zip(strides, shapes):
        height, width = level_size(input_size, stride)
        count += height * width * len(level_shapes)
    return count


def encode_boxes(boxes: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """(n, 4) xyxy boxes as (n, 4) float32 offsets (dx, dy, dw, dh) from (n, 4) xyxy anchors.

    The sides of boxes and anchors must be positive.
    """
    boxes = np.asarray(boxes, np.float32)
    anchors = np.asarray(anchors, np.float32)
    sides, anchor_sides = boxes[:, 2:] - boxes[:, :2], anchors[:, 2:] - anchors[:, :2]
    centers = (boxes[:, 2:] + boxes[:, :2]) / 2
    anchor_centers = (anchors[:, 2:] + anchors[:, :2]) / 2
    offsets = np.empty((len(boxes), 4), np.float32)
    offsets[:, :2] = (centers - anchor_centers) / anchor_sides
    offsets[:, 2:] = np.log(sides / anchor_sides)
    offsets /= np.array(VARIANCES, np.float32)
    return offsets
