"""Instance maps: the object that each pixel belongs to.

A sample with instances has the target `instances`, a map of ids, and `instance_ids`, the id of
each box. The map is transformed like any other, and ids do not change when boxes are dropped. It
takes two bytes per pixel for any number of objects. Where objects overlap, a pixel belongs to one
of them; `instance_masks` holds full masks if a dataset has them.
"""

from __future__ import annotations

import numpy as np

from densefit.data.homography import project

NONE, UNKNOWN = 0, 65535  # no object; unlabelled pixels, e.g. VOC's borders


def extents(
    instances: np.ndarray, matrix: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Ids and bounding boxes of the objects of a map.

    >>> extents(np.array([[0, 7, 7], [3, 0, 7]]))[1]
    array([[0., 1., 1., 2.],
           [1., 0., 3., 2.]], dtype=float32)

    Args:
        instances: (H, W) ids.
        matrix: (2, 3) or (3, 3) map that is applied to the corners of all pixels first.

    Returns:
        (k,) int64, the ids that have pixels, ascending; and (k, 4) float32, their xyxy boxes.
    """
    values, rows, left, right = object_runs(instances)
    order = np.argsort(values, kind="stable")
    ids, starts = np.unique(values[order], return_index=True)
    # The corners of runs suffice: the map preserves straight lines.
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
    """Shrink boxes that a crop may have clipped to the visible part of their objects.

    A clipped box may be larger than the visible part of its object. Only boxes that touch an edge
    are changed, with a margin of one pixel for rounding. An object without pixels keeps its box.

    Args:
        boxes: (n, 4) float32 xyxy.
        instances: (H, W) ids.
        ids: (n,) ids of the boxes.

    Returns:
        (n, 4) float32.
    """
    height, width = instances.shape
    result = np.array(boxes, np.float32).reshape(-1, 4)
    cut = (result[:, :2] <= 0).any(axis=1) | (result[:, 2:] >= (width, height)).any(axis=1)
    for row in np.flatnonzero(cut & (np.asarray(ids) != NONE)):
        x1, y1 = np.floor(result[row, :2]).astype(int)
        x2, y2 = np.ceil(result[row, 2:]).astype(int)
        is_object = instances[y1:y2, x1:x2] == ids[row]
        columns, rows = np.flatnonzero(is_object.any(axis=0)), np.flatnonzero(is_object.any(axis=1))
        if len(rows):
            low = x1 + columns[0] - 1, y1 + rows[0] - 1
            high = x1 + columns[-1] + 2, y1 + rows[-1] + 2
            result[row, :2] = np.maximum(result[row, :2], low)
            result[row, 2:] = np.minimum(result[row, 2:], high)
    return result


def object_runs(instances: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Horizontal runs of objects: ids, rows, first columns, and columns after the last.

    A map has far fewer runs than pixels, so that computations on runs are fast.
    """
    height, width = instances.shape
    first = np.ones((height, width), bool)
    np.not_equal(instances[:, 1:], instances[:, :-1], out=first[:, 1:])
    starts = np.flatnonzero(first)
    ends = np.append(starts[1:], height * width)
    values = instances.reshape(-1)[starts].astype(np.int64)
    is_object = (values != NONE) & (values != UNKNOWN)
    starts, ends = starts[is_object], ends[is_object]
    rows = starts // width
    return values[is_object], rows, starts - rows * width, ends - rows * width
