"""The true segments of a picture, out of its class mask and its instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from densefit.data.geometry.instance_map import NONE

VOID = 255  # of a class mask


def true_segments(
    mask: np.ndarray, targets: Mapping[str, np.ndarray], thing_classes: Sequence[int]
) -> dict[str, np.ndarray]:
    """Segments as the panoptic metric takes them.

    A pixel belongs to its instance; where there is none, to the stuff that the mask shows. Pixels
    of a thing that nobody drew by itself, and those of ids without a box, are void.

    Args:
        mask: (H, W) class indices, 255 where nothing is known.
        targets: "instances", "instance_ids", "classes" (places in `thing_classes`), and "crowd"
            where there is any.
        thing_classes: class indices of the things.

    Returns:
        "map" (H, W) int32, "ids" (n,) int64, "classes" (n,) int64, "crowd" (n,) bool.
    """
    instances, own = targets["instances"], np.asarray(targets["instance_ids"])
    count = len(own)
    of_id: np.ndarray = np.zeros(2**16, np.int32)
    known = np.flatnonzero(own != NONE)
    of_id[own[known]] = known + 1
    of_class = np.arange(256, dtype=np.int32) + count + 1
    of_class[[VOID, *thing_classes]] = 0
    segments = np.where(instances == NONE, of_class[mask], of_id[instances])
    kinds = np.concatenate(
        [np.asarray(thing_classes, np.int64)[np.asarray(targets["classes"], int)], np.arange(256)]
    )
    crowd = np.zeros(count + 256, bool)
    if "crowd" in targets:
        crowd[:count] = targets["crowd"]
    ids = np.unique(segments)
    ids = ids[ids > 0].astype(np.int64)
    return {"map": segments, "ids": ids, "classes": kinds[ids - 1], "crowd": crowd[ids - 1]}
