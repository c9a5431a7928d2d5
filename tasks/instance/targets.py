"""Which anchors learn masks, and which pixels those are. Numpy only."""

from __future__ import annotations

import zlib

import numpy as np

from densefit.data.geometry.instance_map import NONE


def sample_cells(instances: np.ndarray, stride: int) -> np.ndarray:
    """(ceil(H / stride), ceil(W / stride)) ids: those at the centres of the cells of a map.

    A cell that hangs over the edge takes the last pixel.
    """
    rows, columns = (
        np.minimum(np.arange(-(-side // stride)) * stride + stride // 2, side - 1)
        for side in instances.shape
    )
    return np.asarray(instances[rows[:, None], columns])


def box_windows(boxes: np.ndarray, stride: int, size: tuple[int, int]) -> np.ndarray:
    """(n, 4) int64 cells that (n, 4) xyxy boxes touch: the first ones, and those behind the last.

    Args:
        boxes: in input pixels.
        stride: pixels of a cell.
        size: (h, w) of the map in cells.
    """
    limit = np.array(size[::-1])
    low = np.floor(boxes[:, :2] / stride).astype(np.int64).clip(0, limit - 1)
    high = np.ceil(boxes[:, 2:] / stride).astype(np.int64).clip(low + 1, limit)
    return np.concatenate([low, high], axis=1)


def has_visible_cells(cells: np.ndarray, windows: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """(n,) bool: which objects have a cell in their window; the others teach no mask.

    Args:
        cells: (h, w) ids.
        windows: (n, 4) of `windows_of`.
        ids: (n,).
    """
    seen = [
        one != NONE and bool((cells[y1:y2, x1:x2] == one).any())
        for (x1, y1, x2, y2), one in zip(windows, ids)
    ]
    return np.array(seen, bool)


def chosen_anchors(matched: np.ndarray, useful: np.ndarray, limit: int, seed: int) -> np.ndarray:
    """At most `limit` positive anchors: one of each object before a second one of any.

    Args:
        matched: (A,) 1 + index of the box that an anchor learns; 0 or less for none.
        useful: (n,) bool, boxes whose masks are learned.
        limit: anchors at most.
        seed: of the choice among many.

    Returns:
        (up to limit,) int64 indices of anchors.
    """
    positive = np.flatnonzero(matched > 0)
    positive = positive[useful[matched[positive] - 1]]
    positive = np.random.default_rng(seed).permutation(positive)
    box = matched[positive]
    order = np.argsort(box, kind="stable")
    starts = np.searchsorted(box[order], box[order])
    turn = np.empty(len(box), np.int64)
    turn[order] = np.arange(len(box)) - starts  # the how-manieth of its box
    return np.asarray(positive[np.argsort(turn, kind="stable")][:limit])


def mask_targets(
    matched: np.ndarray,
    boxes: np.ndarray,
    ids: np.ndarray,
    cells: np.ndarray,
    stride: int,
    limit: int,
) -> dict[str, np.ndarray]:
    """What the masks of one image learn.

    The choice among many anchors is drawn by what the boxes are: the same for the same sample,
    another for another crop of it.

    Args:
        matched: (A,) 1 + index of the box that an anchor learns.
        boxes: (n, 4) xyxy in input pixels.
        ids: (n,) of the boxes, 0 for those whose pixels are not known.
        cells: (h, w) ids.
        stride: pixels of a cell.
        limit: masks at most.

    Returns:
        `anchor` (limit,), `owner` (limit,): its object's id, 0 where there is none, and `window`
        (limit, 4) in cells; float32.
    """
    height, width = cells.shape
    windows = box_windows(boxes, stride, (height, width))
    useful = has_visible_cells(cells, windows, ids)
    seed = zlib.crc32(np.ascontiguousarray(boxes).tobytes())
    anchors = chosen_anchors(matched, useful, limit, seed)
    box = matched[anchors] - 1
    made = no_mask_targets(limit)
    made["anchor"][: len(anchors)] = anchors
    made["owner"][: len(anchors)] = ids[box]
    made["window"][: len(anchors)] = windows[box]
    return made


def no_mask_targets(limit: int) -> dict[str, np.ndarray]:
    """Those of an image in which no mask is learned."""
    return {
        "anchor": np.zeros(limit, np.float32),
        "owner": np.full(limit, NONE, np.float32),
        "window": np.zeros((limit, 4), np.float32),
    }
