"""How well the anchors of a detection head fit the boxes of a dataset."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Shapes = Sequence[Sequence[tuple[float, float]]]


def boxes_in_input(
    boxes: np.ndarray, sizes: np.ndarray, input_size: tuple[int, int], resize: str
) -> np.ndarray:
    """Boxes in the network's input, as the transform of scoring places them.

    Args:
        boxes: (n, 4) xyxy in pixels of the original images.
        sizes: (n, 2) height and width of each box's image.
        input_size: (height, width) of the network's input.
        resize: "letterbox" or "stretch".
    """
    target = np.array(input_size, np.float64)
    scaled = np.broadcast_to(target, sizes.shape)
    offset = np.zeros_like(sizes, np.float64)
    if resize == "letterbox":
        factor = (target / sizes).min(axis=1, keepdims=True)
        scaled = np.clip(np.rint(sizes * factor), 1, target)
        offset = (target - scaled) // 2
    scale = (scaled / sizes)[:, ::-1]  # x, y
    shift = offset[:, ::-1]
    return boxes * np.tile(scale, 2) + np.tile(shift, 2)


def best_iou(
    boxes: np.ndarray, input_size: tuple[int, int], strides: Sequence[int], shapes: Shapes
) -> np.ndarray:
    """Highest IoU of each box with any anchor, (n,).

    Of the anchors of one shape and level, the one with the nearest center overlaps most.

    Args:
        boxes: (n, 4) xyxy in pixels of the network's input.
        input_size: its (height, width).
        strides: of the levels.
        shapes: (width, height) of the anchors of each level.
    """
    best = np.zeros(len(boxes))
    low, high = boxes[:, :2], boxes[:, 2:]
    areas = (high - low).prod(axis=1)
    limits = np.array(input_size[::-1], np.float64)
    for stride, level in zip(strides, shapes):
        cells = np.ceil(limits / stride)
        center = (np.clip(np.rint((low + high) / 2 / stride - 0.5), 0, cells - 1) + 0.5) * stride
        for shape in level:
            half = np.array(shape) / 2
            overlap = np.minimum(high, center + half) - np.maximum(low, center - half)
            common = overlap.clip(0).prod(axis=1)
            union = areas + shape[0] * shape[1] - common
            np.maximum(best, common / np.maximum(union, 1e-9), out=best)
    return best


def anchor_heads(heads: Sequence[Any]) -> dict[str, Any]:
    """Name of each head with anchors -> the head, or the detector inside it."""
    detectors = {head.name: getattr(head, "detector", head) for head in heads}
    return {
        name: detector
        for name, detector in detectors.items()
        if hasattr(detector, "strides") and callable(getattr(detector, "shapes", None))
    }
