"""Ground truth of an image for the mask metrics, and average precision of boxes beside masks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from densefit.data.geometry.instance_map import NONE, extents
from densefit.data.geometry.rle import encode_instances, encode_polygons
from densefit.metrics import COCOAveragePrecision


def true_masks(targets: Mapping[str, np.ndarray]) -> dict[str, Any] | None:
    """Ground truth: `masks` (n run lengths), `boxes`, `classes`, `crowd`, `area`, `known_classes`.

    `area` only if the dataset has whole masks, `known_classes` only if the sample has it. Whole
    masks of the dataset take precedence over those of the instance map, which overlaps may cut. An
    object without pixels counts as a crowd that fills its box: detections there are ignored.

    Args:
        targets: targets of the original image.

    Returns:
        None without boxes or instances.
    """
    if any(name not in targets for name in ("boxes", "classes", "instances", "instance_ids")):
        return None
    instances, ids = targets["instances"], np.asarray(targets["instance_ids"])
    boxes = np.asarray(targets["boxes"], np.float32).reshape(-1, 4)
    crowd = np.array(targets.get("crowd", np.zeros(len(boxes))), bool)
    truth = {"boxes": boxes, "classes": targets["classes"], "crowd": crowd}
    if "known_classes" in targets:
        truth["known_classes"] = targets["known_classes"]
    whole = targets.get("instance_masks")
    if whole is not None:
        # The area of whole masks; without them it may be the box's, and the metric counts pixels.
        area = {"area": targets["area"]} if "area" in targets else {}
        return {**truth, **area, "masks": list(whole)}
    masks = encode_instances(instances, ids)
    unseen = np.flatnonzero((ids == NONE) | ~np.isin(ids, extents(instances)[0]))
    for row in unseen:
        x, y, x2, y2 = boxes[row].tolist()
        rectangle = [[x, y, x2, y, x2, y2, x, y2]]
        masks[row] = encode_polygons(rectangle, (instances.shape[0], instances.shape[1]))
        crowd[row] = True
    return {**truth, "masks": masks}


class BoxAveragePrecision(COCOAveragePrecision):
    """`COCOAveragePrecision` of boxes, with names `box_...` beside the scores of masks."""

    name = "box_ap"
    primary = "box_AP"

    def _scores(self, weights: np.ndarray | None) -> dict[str, float]:
        return {f"box_{name}": value for name, value in super()._scores(weights).items()}
