"""Merge the objects with keypoints of several views of an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from densefit.data.loader.views import View
from densefit.metrics.coco.oks import oks
from densefit.tasks.detection.merge import cut_off

COVERED = 0.5  # share of a cut-off object above which it is a part of another object


def merge_objects(
    predictions: Sequence[Mapping[str, np.ndarray]],
    views: Sequence[View],
    sigmas: np.ndarray,
    alike: float,
    limit: int,
) -> dict[str, np.ndarray]:
    """Merge objects of the same class with similar keypoints.

    By falling score, each object absorbs similar objects of its class. Keypoints and boxes become
    means, weighted by score (keypoints also by confidence); the score is kept. An object that ends
    at an inner edge of its window is cut off: it is dropped in favour of a whole object that is
    similar or covers most of it, and does not enter the mean.

    Args:
        predictions: `keypoints` (m, K, 3), `boxes` (m, 4), `scores`, `classes` of each view, in
            original pixels, left and right as in the original.
        views: geometry of each view.
        sigmas: (K,) float64, see `oks`.
        alike: object keypoint similarity from which two objects are merged.
        limit: maximum number of objects.

    Returns:
        The same keys, by falling score; the objects of a single view unchanged.
    """
    if len(predictions) == 1:
        return dict(predictions[0])
    cut = np.concatenate([cut_off(part["boxes"], view) for part, view in zip(predictions, views)])
    columns = {
        name: np.concatenate([part[name] for part in predictions]) for name in predictions[0]
    }
    # Whole objects first, then by falling score.
    order = np.lexsort((-columns["scores"], cut))
    cut, columns = cut[order], {name: column[order] for name, column in columns.items()}
    alive = np.ones(len(order), bool)
    merged: list[int] = []
    for row in range(len(order)):
        if not alive[row]:
            continue
        rivals = np.flatnonzero(alive & (columns["classes"] == columns["classes"][row]))
        rivals = rivals[rivals > row]
        same = pairwise_oks(columns, row, rivals, sigmas) >= alike
        inside = cut[rivals] & ~cut[row]
        inside &= covered_share(columns["boxes"][rivals], columns["boxes"][row]) > COVERED
        alive[rivals[same | inside]] = False
        _average(columns, row, rivals[same & (cut[rivals] == cut[row])])
        merged.append(row)
    best = np.array(merged, np.intp)
    best = best[np.argsort(-columns["scores"][best], kind="stable")][:limit]
    return {name: column[best] for name, column in columns.items()}


def pairwise_oks(
    objects: Mapping[str, np.ndarray], row: int, rows: np.ndarray, sigmas: np.ndarray
) -> np.ndarray:
    """(n,) object keypoint similarity of `rows` with `row`, whose box is the size.

    All keypoints count, with any confidence.
    """
    count = len(rows)
    true = objects["keypoints"][row].astype(np.float64)
    true[:, 2] = 1.0
    box = objects["boxes"][row].astype(np.float64)
    sides = box[2:] - box[:2]
    return oks(
        objects["keypoints"][rows, :, :2].astype(np.float64),
        np.repeat(true[None], count, axis=0),
        np.repeat(np.concatenate([box[:2], sides])[None], count, axis=0),
        np.full(count, sides.prod()),
        sigmas,
    )


def covered_share(boxes: np.ndarray, by: np.ndarray) -> np.ndarray:
    """(n,) share of each (n, 4) xyxy box covered by the box `by` (4,); 0 for empty boxes."""
    boxes, by = boxes.astype(np.float64), by.astype(np.float64)
    low, high = np.maximum(boxes[:, :2], by[:2]), np.minimum(boxes[:, 2:], by[2:])
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return np.asarray((high - low).clip(0).prod(axis=1) / np.maximum(area, 1e-12))


def _average(objects: dict[str, np.ndarray], row: int, merged_rows: np.ndarray) -> None:
    """Replace row `row`, in place, by the mean of itself and the rows `merged_rows`."""
    rows = np.concatenate([[row], merged_rows])
    weight = objects["scores"][rows].astype(np.float64) + 1e-12
    boxes, points = objects["boxes"][rows], objects["keypoints"][rows]
    objects["boxes"][row] = np.average(boxes, axis=0, weights=weight)
    confidence = weight[:, None] * (points[..., 2] + 1e-12)
    position = (points[..., :2] * confidence[..., None]).sum(axis=0) / confidence.sum(axis=0)[
        :, None
    ]
    objects["keypoints"][row, :, :2] = position
    objects["keypoints"][row, :, 2] = np.average(points[..., 2], axis=0, weights=weight)
