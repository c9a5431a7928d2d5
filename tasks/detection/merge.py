"""Detections of several views of an image, as one list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from densefit.data.loader.views import View

EDGE = 1.0  # pixels of the input within which a box touches the edge of its window


def merge_detections(
    found: Sequence[Mapping[str, np.ndarray]], views: Sequence[View], iou: float, limit: int
) -> dict[str, np.ndarray]:
    """Suppress, within each class, what a better box of any view shows already.

    A box that ends at an inner edge of its window is the visible part of an object: it yields to a
    box that is not cut off and covers so much of it, whichever has the higher score.

    Args:
        found: `boxes` (n, 4) xyxy in original pixels, `scores`, `classes` of each view.
        views: where the original lies in each.
        iou: overlap above which the worse of two boxes of a class is dropped.
        limit: detections at most.

    Returns:
        `boxes`, `scores`, `classes` by falling score; those of a single view as they are: the
        network has suppressed already.
    """
    kept = select_detections(found, views, iou, limit)
    return {
        name: np.concatenate([part[name] for part in found])[kept]
        for name in ("boxes", "scores", "classes")
    }


def select_detections(
    found: Sequence[Mapping[str, np.ndarray]], views: Sequence[View], iou: float, limit: int
) -> np.ndarray:
    """Which of the views' detections stay, as indices into all of them in a row.

    The arguments are those of `combine`.
    """
    if len(found) == 1:
        return np.arange(len(found[0]["scores"]))
    cut = np.concatenate([cut_off(part["boxes"], view) for part, view in zip(found, views)])
    boxes, scores, classes = (
        np.concatenate([part[name] for part in found]) for name in ("boxes", "scores", "classes")
    )
    return suppress(boxes, scores, classes, cut, iou)[:limit]


def cut_off(boxes: np.ndarray, view: View) -> np.ndarray:
    """Which boxes touch an edge of the view that is no edge of the image, (n,) bool.

    Args:
        boxes: (n, 4) xyxy in original pixels, of this view.
        view: where the original lies in it.
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
    """Indices of the boxes that stay, by falling score.

    Args:
        boxes: (n, 4) xyxy.
        scores: (n,).
        classes: (n,).
        cut: (n,) bool, see `combine`.
        iou: overlap above which a box is dropped.
    """
    order = np.argsort(-scores, kind="stable")
    boxes, classes, cut = boxes[order].astype(np.float64), classes[order], cut[order]
    area = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    alive = np.ones(len(order), bool)
    for place in range(len(order)):
        if not alive[place]:
            continue
        others = np.flatnonzero(alive & (classes == classes[place]))
        others = others[others != place]
        low = np.maximum(boxes[others, :2], boxes[place, :2])
        high = np.minimum(boxes[others, 2:], boxes[place, 2:])
        common = np.prod((high - low).clip(0), axis=1)
        union = area[others] + area[place] - common
        drop = (common > iou * union) & (others > place)
        if cut[place]:
            drop &= cut[others]
        else:
            drop |= cut[others] & (common > iou * area[others])
        alive[others[drop]] = False
    return np.asarray(order[alive])
