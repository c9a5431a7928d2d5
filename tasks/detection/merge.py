"""Detections of several views of a picture, as one list."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from densefit.data.sample import Geometry
from densefit.data.views import View
from densefit.model.merger import Merger

EDGE = 1.0  # pixels of the input within which a box touches the edge of its window


class BoxMerger(Merger):
    """Suppresses, within each class, what a better box of any view shows already.

    A box that ends at an inner edge of its window is the visible part of an object: it yields to a
    box that is not cut off and covers so much of it, whichever has the higher score.

    Args:
        decode: outputs and geometries -> detections in original pixels.
        iou: overlap above which the worse of two boxes of a class is dropped.
        limit: detections at most.
    """

    def __init__(
        self,
        decode: Callable[[Mapping[str, np.ndarray], Sequence[Geometry]], list[Any]],
        iou: float,
        limit: int,
    ) -> None:
        self._decode, self._iou, self._limit = decode, iou, limit
        self._seen: list[tuple[Mapping[str, Any], View]] = []

    def add(self, outputs: Mapping[str, Any], view: View) -> None:
        """Take in `boxes` (1, m, 6) of a view."""
        self._seen.append((outputs, view))

    def result(self) -> dict[str, np.ndarray]:
        """`boxes`, `scores`, `classes` by falling score."""
        parts, cut = [], []
        for outputs, view in self._seen:
            arrays = {name: array.asnumpy() for name, array in outputs.items()}
            (found,) = self._decode(arrays, [view])
            parts.append(found)
            cut.append(cut_off(found["boxes"], view))
        if len(parts) == 1:
            return dict(parts[0])  # the network has suppressed already
        boxes, scores, classes = (
            np.concatenate([part[name] for part in parts])
            for name in ("boxes", "scores", "classes")
        )
        kept = suppressed(boxes, scores, classes, np.concatenate(cut), self._iou)[: self._limit]
        return {"boxes": boxes[kept], "scores": scores[kept], "classes": classes[kept]}


def cut_off(boxes: np.ndarray, view: View) -> np.ndarray:
    """Which boxes touch an edge of the view that is no edge of the picture, (n,) bool.

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


def suppressed(
    boxes: np.ndarray, scores: np.ndarray, classes: np.ndarray, cut: np.ndarray, iou: float
) -> np.ndarray:
    """Indices of the boxes that stay, by falling score.

    Args:
        boxes: (n, 4) xyxy.
        scores: (n,).
        classes: (n,).
        cut: (n,) bool, see `BoxMerger`.
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
