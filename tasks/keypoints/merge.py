"""Objects with keypoints of several views of an image, as one list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from densefit.data.loader.views import View
from densefit.metrics.coco.oks import oks
from densefit.tasks.detection.merge import cut_off

COVERED = 0.5  # of an object that is cut off: from here on it is a part of the other


def merge_objects(
    found: Sequence[Mapping[str, np.ndarray]],
    views: Sequence[View],
    sigmas: np.ndarray,
    alike: float,
    limit: int,
) -> dict[str, np.ndarray]:
    """One object out of those that are alike, with the mean of what the views say.

    From the best score down, an object takes to itself those of its class whose keypoints are
    alike. Keypoints and boxes become means, weighted by score (a keypoint also by its confidence);
    the score stays. An object that ends at an inner edge of its window is seen in part: it yields
    to one that is not cut off and is alike or covers most of it, and changes nothing there.

    Args:
        found: `keypoints` (m, K, 3), `boxes` (m, 4), `scores`, `classes` of each view, in original
            pixels, left and right already as in the original.
        views: where the original lies in each.
        sigmas: (K,) float64, see `oks`.
        alike: object keypoint similarity from which two are the same object.
        limit: objects at most.

    Returns:
        The same, by falling score; those of a single view as they are.
    """
    if len(found) == 1:
        return dict(found[0])
    cut = np.concatenate([cut_off(part["boxes"], view) for part, view in zip(found, views)])
    every = {name: np.concatenate([part[name] for part in found]) for name in found[0]}
    # Those that are whole come first, and take; among them, and among the others, the best first.
    order = np.lexsort((-every["scores"], cut))
    cut, every = cut[order], {name: column[order] for name, column in every.items()}
    alive = np.ones(len(order), bool)
    kept: list[int] = []
    for place in range(len(order)):
        if not alive[place]:
            continue
        others = np.flatnonzero(alive & (every["classes"] == every["classes"][place]))
        others = others[others > place]
        same = pairwise_oks(every, place, others, sigmas) >= alike
        inside = cut[others] & ~cut[place]
        inside &= covered_share(every["boxes"][others], every["boxes"][place]) > COVERED
        alive[others[same | inside]] = False
        _average(every, place, others[same & (cut[others] == cut[place])])
        kept.append(place)
    best = np.array(kept, np.intp)
    best = best[np.argsort(-every["scores"][best], kind="stable")][:limit]
    return {name: column[best] for name, column in every.items()}


def pairwise_oks(
    objects: Mapping[str, np.ndarray], one: int, others: np.ndarray, sigmas: np.ndarray
) -> np.ndarray:
    """(n,) object keypoint similarity of the rows `others` with the row `one`; its box is the size.

    Every keypoint counts, whatever its confidence.
    """
    count = len(others)
    true = objects["keypoints"][one].astype(np.float64)
    true[:, 2] = 1.0
    box = objects["boxes"][one].astype(np.float64)
    sides = box[2:] - box[:2]
    return oks(
        objects["keypoints"][others, :, :2].astype(np.float64),
        np.repeat(true[None], count, axis=0),
        np.repeat(np.concatenate([box[:2], sides])[None], count, axis=0),
        np.full(count, sides.prod()),
        sigmas,
    )


def covered_share(boxes: np.ndarray, by: np.ndarray) -> np.ndarray:
    """(n,) parts of the (n, 4) xyxy boxes that the box `by` (4,) covers; 0 of one without area."""
    boxes, by = boxes.astype(np.float64), by.astype(np.float64)
    low, high = np.maximum(boxes[:, :2], by[:2]), np.minimum(boxes[:, 2:], by[2:])
    area = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    return np.asarray((high - low).clip(0).prod(axis=1) / np.maximum(area, 1e-12))


def _average(objects: dict[str, np.ndarray], one: int, others: np.ndarray) -> None:
    """Make the row `one`, in place, the mean of itself and the rows `others`."""
    rows = np.concatenate([[one], others])
    weight = objects["scores"][rows].astype(np.float64) + 1e-12
    boxes, points = objects["boxes"][rows], objects["keypoints"][rows]
    objects["boxes"][one] = np.average(boxes, axis=0, weights=weight)
    trust = weight[:, None] * (points[..., 2] + 1e-12)
    place = (points[..., :2] * trust[..., None]).sum(axis=0) / trust.sum(axis=0)[:, None]
    objects["keypoints"][one, :, :2] = place
    objects["keypoints"][one, :, 2] = np.average(points[..., 2], axis=0, weights=weight)
