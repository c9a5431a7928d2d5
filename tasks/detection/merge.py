"""Merge the detections of several views of an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from densefit.data.loader.views import View
from densefit.data.sample import Geometry

EDGE = 1.0  # distance in input pixels at which a box touches the edge of its window


def detected_rows(rows: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Indices by falling score of the detections of one image; not of those in its border.

    Args:
        rows: (N, 6 or more) [class, score, x1, y1, x2, y2] in input pixels; -1: no detection.
        geometry: geometry of the sample.
    """
    order = np.argsort(-rows[:, 1], kind="stable")
    order = order[rows[order, 0] >= 0]
    return np.asarray(order[geometry.boxes_in_image(rows[order, 2:6])])


def merge_detections(
    predictions: Sequence[Mapping[str, np.ndarray]], views: Sequence[View], iou: float, limit: int
) -> dict[str, np.ndarray]:
    """Suppress, within each class, boxes that overlap a better box of any view.

    A box that ends at an inner edge of its window is the visible part of an object: it is dropped
    in favour of a box that is not cut off and covers it, whichever has the higher score.

    Args:
        predictions: `boxes` (n, 4) xyxy in original pixels, `scores`, `classes` of each view.
        views: geometry of each view.
        iou: IoU above which the worse of two boxes of a class is dropped.
        limit: maximum number of detections.

    Returns:
        `boxes`, `scores`, `classes` by falling score; the boxes of a single view unchanged, since
        the network has suppressed them.
    """
    indices = select_detections(predictions, views, iou, limit)
    return {
        name: np.concatenate([part[name] for part in predictions])[indices]
        for name in ("boxes", "scores", "classes")
    }


def select_detections(
    predictions: Sequence[Mapping[str, np.ndarray]], views: Sequence[View], iou: float, limit: int
) -> np.ndarray:
    """Indices of the detections to keep, into the concatenated detections of all views.

    The arguments are the same as for `merge_detections`.
    """
    if len(predictions) == 1:
        return np.arange(len(predictions[0]["scores"]))
    cut = np.concatenate([cut_off(part["boxes"], view) for part, view in zip(predictions, views)])
    names = ("boxes", "scores", "classes")
    columns = {name: np.concatenate([part[name] for part in predictions]) for name in names}
    return suppress(**columns, cut=cut, iou=iou)[:limit]


def cut_off(boxes: np.ndarray, view: View) -> np.ndarray:
    """(n,) bool: whether boxes touch an edge of the view that is no edge of the image.

    Args:
        boxes: (n, 4) xyxy in original pixels, of this view.
        view: geometry of the view.
    """
    scale = np.asarray(view.scaled, np.float64) / view.size  # (y, x)
    margin = EDGE / scale
    touching = np.zeros(len(boxes), bool)
    for axis in (0, 1):  # y, x
        first, window, whole = view.corner[axis], view.input_size[axis], view.scaled[axis]
        low, high = boxes[:, 1 - axis], boxes[:, 3 - axis]
        if first > 0:
            touching |= low <= first / scale[axis] + margin[axis]
        if first + window < whole:
            touching |= high >= (first + window) / scale[axis] - margin[axis]
    return touching


def suppress(
    boxes: np.ndarray, scores: np.ndarray, classes: np.ndarray, cut: np.ndarray, iou: float
) -> np.ndarray:
    """Indices of the boxes to keep, by falling score.

    Args:
        boxes: (n, 4) xyxy.
        scores: (n,).
        classes: (n,).
        cut: (n,) bool, see `merge_detections`.
        iou: IoU above which a box is dropped.
    """
    order = np.argsort(-scores, kind="stable")
    boxes, classes, cut = boxes[order].astype(np.float64), classes[order], cut[order]
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    alive = np.ones(len(order), bool)
    for row in range(len(order)):
        if not alive[row]:
            continue
        rivals = np.flatnonzero(alive & (classes == classes[row]))
        rivals = rivals[rivals != row]
        low = np.maximum(boxes[rivals, :2], boxes[row, :2])
        high = np.minimum(boxes[rivals, 2:], boxes[row, 2:])
        common = np.prod((high - low).clip(0), axis=1)
        union = area[rivals] + area[row] - common
        drop = (common > iou * union) & (rivals > row)
        if cut[row]:
            drop &= cut[rivals]
        else:
            drop |= cut[rivals] & (common > iou * area[rivals])
        alive[rivals[drop]] = False
    return np.asarray(order[alive])
