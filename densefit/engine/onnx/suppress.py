"""Non-maximum suppression on the host, for models that were exported without it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

_CLASS, _SCORE, _BOX = 0, 1, slice(2, 6)
_UNUSED = -1.0


def suppressed(
    outputs: Mapping[str, np.ndarray],
    rows: str,
    iou: float,
    threshold: float,
    limit: int | None = None,
) -> dict[str, np.ndarray]:
    """Select the detections of each image, as `box_nms` in the graph does.

    Args:
        outputs: a head's outputs (B, candidates, ...) by name, best candidates first.
        rows: name of the output (B, candidates, 6 or more) [class, score, x1, y1, x2, y2, ...].
        iou: IoU above which the worse of two boxes of a class is dropped.
        threshold: score that detections exceed.
        limit: rows of the result; None for all.

    Returns:
        All outputs with up to `limit` rows; unused rows of `rows` are -1, and of other outputs
        the first candidate's.
    """
    candidates = outputs[rows]
    count = candidates.shape[1] if limit is None else min(limit, candidates.shape[1])
    indices = np.zeros((len(candidates), count), np.int64)
    used = np.zeros((len(candidates), count), bool)
    for image, detections in enumerate(candidates):
        chosen = _select(detections.astype(np.float32), iou, threshold, count)
        indices[image, : len(chosen)] = chosen
        used[image, : len(chosen)] = True
    images = np.arange(len(candidates))[:, None]
    selected = {name: array[images, indices] for name, array in outputs.items()}
    selected[rows][~used] = _UNUSED
    return selected


def _select(rows: np.ndarray, iou: float, threshold: float, count: int) -> np.ndarray:
    """Indices of the first `count` detections that no better one of their class overlaps."""
    order = np.argsort(-rows[:, _SCORE], kind="stable")
    order = order[(rows[order, _SCORE] > threshold) & (rows[order, _CLASS] >= 0)]
    boxes, classes = rows[order, _BOX], rows[order, _CLASS]
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    alive = np.ones(len(order), bool)
    chosen: list[int] = []
    for best in range(len(order)):
        if len(chosen) == count:
            break
        if not alive[best]:
            continue
        chosen.append(best)
        rivals = alive & (classes == classes[best])
        later = best + 1 + np.flatnonzero(rivals[best + 1 :])
        low = np.maximum(boxes[later, :2], boxes[best, :2])
        high = np.minimum(boxes[later, 2:], boxes[best, 2:])
        common = np.prod((high - low).clip(0), axis=1)
        union = areas[later] + areas[best] - common
        alive[later] = common <= np.float32(iou) * union
    return np.asarray(order[chosen])
