"""Mask targets: the anchors whose masks are trained, and their windows. Numpy only."""

from __future__ import annotations

import zlib

import numpy as np

from densefit.data.geometry.instance_map import NONE


def sample_cells(instances: np.ndarray, stride: int) -> np.ndarray:
    """Sample ids at the centres of cells: (ceil(H / stride), ceil(W / stride)).

    Cells beyond the edge take the last pixel.
    """
    rows, columns = (
        np.minimum(np.arange(-(-side // stride)) * stride + stride // 2, side - 1)
        for side in instances.shape
    )
    return np.asarray(instances[rows[:, None], columns])


def box_windows(boxes: np.ndarray, stride: int, size: tuple[int, int]) -> np.ndarray:
    """Windows of cells that (n, 4) xyxy boxes touch: (n, 4) int64, ends exclusive.

    Args:
        boxes: in input pixels.
        stride: pixels per cell.
        size: (h, w) of the map in cells.
    """
    limit = np.array(size[::-1])
    low = np.floor(boxes[:, :2] / stride).astype(np.int64).clip(0, limit - 1)
    high = np.ceil(boxes[:, 2:] / stride).astype(np.int64).clip(low + 1, limit)
    return np.concatenate([low, high], axis=1)


def has_visible_cells(cells: np.ndarray, windows: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """(n,) bool: whether an object has a cell in its window; else its mask is not trained.

    Args:
        cells: (h, w) ids.
        windows: (n, 4) of `box_windows`.
        ids: (n,).
    """
    seen = [
        number != NONE and bool((cells[y1:y2, x1:x2] == number).any())
        for (x1, y1, x2, y2), number in zip(windows, ids)
    ]
    return np.array(seen, bool)


def select_anchors(matched: np.ndarray, trained: np.ndarray, limit: int, seed: int) -> np.ndarray:
    """Select at most `limit` positive anchors, one per object before a second one of any.

    Args:
        matched: (A,) 1 + index of the box assigned to each anchor; 0 or less for none.
        trained: (n,) bool, boxes whose masks are trained.
        limit: maximum number of anchors.
        seed: seed of the random choice.

    Returns:
        (up to limit,) int64 indices of anchors.
    """
    positive = np.flatnonzero(matched > 0)
    positive = positive[trained[matched[positive] - 1]]
    positive = np.random.default_rng(seed).permutation(positive)
    box = matched[positive]
    order = np.argsort(box, kind="stable")
    starts = np.searchsorted(box[order], box[order])
    rank = np.empty(len(box), np.int64)
    rank[order] = np.arange(len(box)) - starts  # rank among the anchors of the same box
    return np.asarray(positive[np.argsort(rank, kind="stable")][:limit])


def mask_targets(
    matched: np.ndarray,
    boxes: np.ndarray,
    ids: np.ndarray,
    cells: np.ndarray,
    stride: int,
    limit: int,
) -> dict[str, np.ndarray]:
    """Mask targets of one image.

    The random choice among anchors is seeded with the boxes: the same for the same sample, another
    for another crop of it.

    Args:
        matched: (A,) 1 + index of the box assigned to each anchor.
        boxes: (n, 4) xyxy in input pixels.
        ids: (n,) instance ids of the boxes, 0 for boxes without pixels.
        cells: (h, w) ids.
        stride: pixels per cell.
        limit: maximum number of masks.

    Returns:
        `anchor` (limit,), `owner` (limit,): instance id of its object, 0 for none, and `window`
        (limit, 4) in cells; float32.
    """
    height, width = cells.shape
    windows = box_windows(boxes, stride, (height, width))
    trained = has_visible_cells(cells, windows, ids)
    seed = zlib.crc32(np.ascontiguousarray(boxes).tobytes())
    anchors = select_anchors(matched, trained, limit, seed)
    box = matched[anchors] - 1
    arrays = no_mask_targets(limit)
    arrays["anchor"][: len(anchors)] = anchors
    arrays["owner"][: len(anchors)] = ids[box]
    arrays["window"][: len(anchors)] = windows[box]
    return arrays


def no_mask_targets(limit: int) -> dict[str, np.ndarray]:
    """Mask targets of an image without trained masks."""
    return {
        "anchor": np.zeros(limit, np.float32),
        "owner": np.full(limit, NONE, np.float32),
        "window": np.zeros((limit, 4), np.float32),
    }
