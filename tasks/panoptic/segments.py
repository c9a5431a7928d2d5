"""Segments of an image: merged from a semantic mask and instances, and of the ground truth.

Kirillov et al., "Panoptic Feature Pyramid Networks", CVPR 2019, and "Panoptic Segmentation", CVPR
2019, section 6: instances by falling score, then stuff.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pycocotools import mask as coco

from densefit.data.geometry.instance_map import NONE
from densefit.tasks.predictions import Segments

VOID = 255  # of a class mask


def panoptic_map(
    semantic: np.ndarray,
    instances: Mapping[str, Any],
    thing_classes: Sequence[int],
    overlap: float = 0.5,
    min_stuff: int = 0,
) -> Segments:
    """Merge a semantic mask and instances into segments that do not overlap.

    Instances are placed by falling score, each on the pixels that are still free; an instance of
    which less than `overlap` is free is dropped. Remaining pixels take their semantic class if it
    is stuff; stuff of fewer than `min_stuff` pixels is dropped. The rest is void.

    Args:
        semantic: (H, W) class indices.
        instances: "masks", m COCO run lengths of (H, W); "scores" (m,); "classes" (m,), indices
            into `thing_classes`.
        thing_classes: class indices of the things.
        overlap: share of an instance that must be free, above 0.
        min_stuff: smallest stuff segment in pixels.

    Returns:
        "map" (H, W) int32, segment id per pixel, 0 for void; "ids" (n,) int64, 1 to n;
        "classes" (n,) int64. Things go first, by falling score.
    """
    segments: np.ndarray = np.zeros(semantic.shape, np.int32)
    classes: list[int] = []
    for row in np.argsort(-np.asarray(instances["scores"]), kind="stable"):
        x, y, width, height = (int(side) for side in coco.toBbox(instances["masks"][row]))
        window = slice(y, y + height), slice(x, x + width)
        mask = coco.decode(instances["masks"][row])[window] > 0
        left = mask & (segments[window] == 0)
        area = np.count_nonzero(left)
        if area == 0 or area < overlap * np.count_nonzero(mask):
            continue
        classes.append(int(thing_classes[int(instances["classes"][row])]))
        segments[window][left] = len(classes)
    rest = semantic[segments == 0]
    counts = np.bincount(rest, minlength=256)
    ids: np.ndarray = np.zeros(len(counts), np.int32)
    for kind in np.flatnonzero(counts >= max(1, min_stuff)):
        if kind not in thing_classes:
            classes.append(int(kind))
            ids[kind] = len(classes)
    segments[segments == 0] = ids[rest]
    return {
        "map": segments,
        "ids": np.arange(1, len(classes) + 1),
        "classes": np.array(classes, np.int64),
    }


def merge_unannotated(
    segments: Mapping[str, np.ndarray], annotated: np.ndarray, background: int | None
) -> Mapping[str, np.ndarray]:
    """Merge segments of classes that a sample does not annotate into the background.

    Objects of these classes are background in its mask, so that their segments would be wrong.

    Args:
        segments: result of `panoptic_map`.
        annotated: (classes,) bool, true for `background`.
        background: class index; None: these pixels become void.

    Returns:
        The same keys; other segments keep their ids.
    """
    unknown = ~annotated[segments["classes"]]
    if not unknown.any():
        return segments
    ids, classes = segments["ids"][~unknown], segments["classes"][~unknown]
    target = 0
    if background is not None:
        if background not in classes:
            ids = np.append(ids, segments["ids"].max() + 1)
            classes = np.append(classes, background)
        target = int(ids[np.flatnonzero(classes == background)[0]])
    table = np.arange(int(segments["ids"].max()) + 1, dtype=np.int32)
    table[segments["ids"][unknown]] = target
    return {"map": table[segments["map"]], "ids": ids, "classes": classes}


def true_segments(
    mask: np.ndarray, targets: Mapping[str, np.ndarray], thing_classes: Sequence[int]
) -> dict[str, np.ndarray]:
    """Ground-truth segments for the panoptic metric.

    A pixel belongs to its instance, else to its stuff class. Pixels of things without an instance,
    and of instances without a box, are void.

    Args:
        mask: (H, W) class indices, 255 for void.
        targets: "instances", "instance_ids", "classes" (indices into `thing_classes`),
            and optionally "crowd".
        thing_classes: class indices of the things.

    Returns:
        "map" (H, W) int32, "ids" (n,) int64, "classes" (n,) int64, "crowd" (n,) bool.
    """
    instances, instance_ids = targets["instances"], np.asarray(targets["instance_ids"])
    count = len(instance_ids)
    of_id: np.ndarray = np.zeros(2**16, np.int32)
    rows = np.flatnonzero(instance_ids != NONE)
    of_id[instance_ids[rows]] = rows + 1
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
