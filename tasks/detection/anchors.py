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


def whole_pixel_shapes(sizes: Sequence[float], ratios: Sequence[float]) -> Shapes:
    """(width, height) of the anchors in one cell, in the order and rounding of torchvision.

    Every ratio (height : width) has every size; sides are even numbers of pixels.

    >>> whole_pixel_shapes([32.9, 40], [1, 2])
    ((32.0, 32.0), (40.0, 40.0), (22.0, 46.0), (28.0, 56.0))
    """
    sides = [
        (int(size) / math.sqrt(ratio), int(size) * math.sqrt(ratio))
        for ratio in ratios
        for size in sizes
    ]
    return tuple((2.0 * round(width / 2), 2.0 * round(height / 2)) for width, height in sides)


def cell_positions(
    input_size: tuple[int, int], stride: int, at_corners: bool = False
) -> tuple[tuple[float, float], tuple[float, float]]:
    """(first, step) of the anchors' centres in y and x, in input pixels.

    Args:
        input_size: (height, width) of the network's input, in pixels.
        stride: the level's stride.
        at_corners: anchors lie on the cells' upper left corners, as torchvision has them, instead
            of the cells' centres. Like there, levels beyond the backbone's stride 32 divide the
            input, padded to whole cells of stride 32, into equal steps of whole pixels.

    >>> cell_positions((96, 160), 64), cell_positions((96, 160), 64, at_corners=True)
    (((32.0, 64), (32.0, 64)), ((0.0, 48), (0.0, 53)))
    """
    if not at_corners:
        return (stride / 2, stride), (stride / 2, stride)
    if stride <= 32:
        return (0.0, stride), (0.0, stride)
    sides = (-(-side // 32) * 32 for side in input_size)
    y, x = (side // cells for side, cells in zip(sides, level_size(input_size, stride)))
    return (0.0, y), (0.0, x)


@lru_cache(maxsize=64)
def anchor_boxes(
    input_size: tuple[int, int],
    strides: tuple[int, ...],
    shapes: tuple[Shapes, ...],
    at_corners: bool = False,
) -> np.ndarray:
    """All anchors of a network input, level after level.

    Args:
        input_size: (height, width) of the network's input, in pixels.
        strides: the levels' strides.
        shapes: for each level the (width, height) of its anchors, in pixels.
        at_corners: see `cell_positions`.

    Returns:
        (A, 4) float32 xyxy in input pixels, read-only (the array is cached). Within a level the
        order is row, column, shape: the order of a (B, H, W, shapes) prediction. Anchors may extend
        beyond the border.
    """
    levels = []
    for stride, level_shapes in zip(strides, shapes):
        height, width = level_size(input_size, stride)
        centers = np.empty((height, width, 1, 2))
        (top, down), (left, right) = cell_positions(input_size, stride, at_corners)
        centers[..., 0] = left + np.arange(width)[None, :, None] * right
        centers[..., 1] = top + np.arange(height)[:, None, None] * down
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


def encode_boxes(
    boxes: np.ndarray, anchors: np.ndarray, variances: Sequence[float] = VARIANCES
) -> np.ndarray:
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
    offsets /= np.array(variances, np.float32)
    return offsets
