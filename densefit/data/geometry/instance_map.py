"""Maps of instances: which object each pixel belongs to.

A sample with instances has the target `instances`, a map of ids, and `instance_ids`, the id of
each box. A map moves with the pixels as any other, and ids need no upkeep when boxes are dropped.
It costs two bytes a pixel however many objects there are. Where objects overlap, a pixel belongs
to one of them; `instance_masks` has whole masks where a dataset knows them.
"""

from __future__ import annotations

import numpy as np

from densefit.data.homography import project

NONE, UNKNOWN = 0, 65535  # no object; a pixel of which nothing is known, as on VOC's borders


def extents(
    instances: np.ndarray, matrix: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Where the objects of a map lie.

    >>> extents(np.array([[0, 7, 7], [3, 0, 7]]))[1]
    array([[0., 1., 1., 2.],
           [1., 0., 3., 2.]], dtype=float32)

    Args:
        instances: (H, W) ids.
        matrix: (2, 3) or (3, 3); where they lie once every corner of a pixel is moved by this map.

    Returns:
        (k,) int64, the ids that have pixels, rising; and (k, 4) float32, the xyxy boxes around
        them.
    """
    values, rows, left, right = object_runs(instances)
    order = np.argsort(values, kind="stable")
    ids, starts = np.unique(values[order], return_index=True)
    # The corners of runs are enough: lines stay lines.
    x, y = np.stack([left, right, left, right]), np.stack([rows, rows, rows + 1, rows + 1])
    corners = np.stack([x, y], axis=2)[:, order].astype(np.float64)
    if len(ids) == 0:
        return ids, np.zeros((0, 4), np.float32)
    if matrix is not None:
        corners = project(corners, matrix)
    low = np.minimum.reduceat(corners.min(axis=0), starts)
    high = np.maximum.reduceat(corners.max(axis=0), starts)
    return ids, np.concatenate([low, high], axis=1).astype(np.float32)


def tighten_boxes(boxes: np.ndarray, instances: np.ndarray, ids: np.ndarray) -> np.ndarray:
    """Boxes that a crop may have cut, shrunk to what is left of their objects.

    A box that was clipped encloses its part of the window; the object may have less in it. Only
    boxes that touch an edge are looked at, and a pixel is left for what rounding did. An object
    without pixels keeps its box.

    Args:
        boxes: (n, 4) float32 xyxy.
        instances: (H, W) ids.
        ids: (n,) of the boxes.

    Returns:
        (n, 4) float32.
    """
    height, width = instances.shape
    result = np.array(boxes, np.float32).reshape(-1, 4)
    cut = (result[:, :2] <= 0).any(axis=1) | (result[:, 2:] >= (width, height)).any(axis=1)
    for row in np.flatnonzero(cut & (np.asarray(ids) != NONE)):
        x1, y1 = np.floor(result[row, :2]).astype(int)
        x2, y2 = np.ceil(result[row, 2:]).astype(int)
        own = instances[y1:y2, x1:x2] == ids[row]
        columns, rows = np.flatnonzero(own.any(axis=0)), np.flatnonzero(own.any(axis=1))
        if len(rows):
            low = x1 + columns[0] - 1, y1 + rows[0] - 1
            high = x1 + columns[-1] + 2, y1 + rows[-1] + 2
            result[row, :2] = np.maximum(result[row, :2], low)
            result[row, 2:] = np.minimum(result[row, 2:], high)
    return result


def object_runs(instances: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Runs of one object along the rows: ids, rows, first columns, and those behind the last.

    Maps have few of them: what is asked of a map is asked of its runs.
    """
    height, width = instances.shape
    first = np.ones((height, width), bool)
    np.not_equal(instances[:, 1:], instances[:, :-1], out=first[:, 1:])
    starts = np.flatnonzero(first)
    ends = np.append(starts[1:], height * width)
    values = instances.reshape(-1)[starts].astype(np.int64)
    known = (values != NONE) & (values != UNKNOWN)
    starts, ends = starts[known], ends[known]
    rows = starts // width
    return values[known], rows, starts - rows * width, ends - rows * width
