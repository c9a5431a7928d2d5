"""Assign the boxes of one image to anchors. Numpy only.

Matching as in SSD (Liu et al. 2016, section 2.2): each box takes the anchor with the highest IoU,
and all anchors above a threshold of IoU take their best box. Runs in the loader's workers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .anchors import VARIANCES, encode_boxes

IGNORE = -1


def intersections(boxes: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """(n, A) float32 areas of intersection of (n, 4) boxes and (A, 4) anchors, both xyxy."""
    columns = np.ascontiguousarray(anchors.T)  # contiguous rows: twice as fast
    # Three arrays in all, reused in place: they stay in the cache.
    shared = np.minimum(boxes[:, 2:3], columns[2])
    other = np.maximum(boxes[:, 0:1], columns[0])
    shared -= other
    np.maximum(shared, 0, out=shared)
    height = np.minimum(boxes[:, 3:4], columns[3])
    np.maximum(boxes[:, 1:2], columns[1], out=other)
    height -= other
    np.maximum(height, 0, out=height)
    shared *= height
    return shared


def areas(boxes: np.ndarray) -> np.ndarray:
    """(n,) areas of (n, 4) xyxy boxes."""
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def best_anchors(iou: np.ndarray) -> np.ndarray:
    """Assign a distinct anchor to each box, greedily by the largest remaining IoU.

    Args:
        iou: (n, A), at least as many anchors as boxes; not modified.

    Returns:
        (n,) int64 anchor indices; -1 for a box that overlaps no free anchor.
    """
    assigned = np.full(len(iou), -1, np.int64)
    if not iou.size:
        return assigned
    best = iou.argmax(axis=1)
    value = iou[np.arange(len(iou)), best]
    taken: list[int] = []
    while True:
        box = int(value.argmax())
        if value[box] <= 0:
            return assigned
        anchor = best[box]
        assigned[box] = anchor
        value[box] = -1  # assigned
        taken.append(anchor)
        # Only boxes whose best anchor was this one need another.
        for rival in np.flatnonzero((best == anchor) & (value > 0)):
            row = iou[rival].copy()
            row[taken] = -1
            best[rival] = row.argmax()
            value[rival] = row[best[rival]]


def match_anchors(
    anchors: np.ndarray,
    boxes: np.ndarray,
    ignored: np.ndarray | None = None,
    crowd: np.ndarray | None = None,
    iou_positive: float = 0.5,
    iou_negative: float = 0.5,
    low_quality: bool = False,
) -> np.ndarray:
    """The box assigned to each anchor.

    Args:
        anchors: (A, 4) float32 xyxy, in input pixels.
        boxes: (n, 4) float32 xyxy, in input pixels. Boxes without area match nothing.
        ignored: (n,) bool, boxes that are neither learned nor background.
        crowd: (n,) bool, boxes around groups: anchors with half of their area in one are ignored
            unless they are positive.
        iou_positive: lowest IoU at which an anchor takes its best box.
        iou_negative: anchors below this IoU with all boxes are background; anchors in between are
            ignored. Not above `iou_positive`.
        low_quality: as in Faster R-CNN and RetinaNet all anchors with the highest IoU of a box are
            positive, below `iou_positive` too, and take their best box, which may be another. By
            default each box takes one anchor, as in SSD.

    Returns:
        (A,) int64: -1 ignored, 0 background, 1 + index of the box. Without boxes all anchors are
        background.
    """
    labels = np.zeros(len(anchors), np.int64)
    boxes = np.asarray(boxes, np.float32).reshape(-1, 4)
    if not len(boxes):
        return labels
    none = np.zeros(len(boxes), bool)
    crowd = none if crowd is None else np.asarray(crowd, bool)
    ignored = none if ignored is None else np.asarray(ignored, bool) & ~crowd
    solid = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    anchor_areas = areas(anchors)

    shared = intersections(boxes[solid & crowd], anchors)
    if len(shared):
        labels[(shared >= 0.5 * anchor_areas).any(axis=0)] = IGNORE

    def overlaps(which: np.ndarray) -> np.ndarray:
        iou = intersections(boxes[which], anchors)
        union = areas(boxes[which])[:, None] + anchor_areas
        union -= iou
        iou /= union
        return iou

    if (solid & ignored).any():
        labels[(overlaps(solid & ignored) >= iou_negative).any(axis=0)] = IGNORE

    learned = np.flatnonzero(solid & ~crowd & ~ignored)
    if not len(learned):
        return labels
    iou = overlaps(learned)
    value = iou.max(axis=0)
    # The first box with the largest IoU, computed only for positive anchors.
    nearest = np.zeros(len(anchors), np.int64)
    enough = np.flatnonzero(value >= iou_positive)
    nearest[enough] = iou[:, enough].argmax(axis=0)
    labels[(value >= iou_negative) & (value < iou_positive)] = IGNORE
    positive = value >= iou_positive
    if low_quality:
        best = iou.max(axis=1, keepdims=True)
        anchors_of_boxes = np.flatnonzero(((iou == best) & (best > 0)).any(axis=0))
        nearest[anchors_of_boxes] = iou[:, anchors_of_boxes].argmax(axis=0)
        positive[anchors_of_boxes] = True
    else:
        assigned = best_anchors(iou)
        boxes_with_anchor = np.flatnonzero(assigned >= 0)
        nearest[assigned[boxes_with_anchor]] = boxes_with_anchor
        positive[assigned[boxes_with_anchor]] = True

    index = np.flatnonzero(positive)
    labels[index] = learned[nearest[index]] + 1
    return labels


def anchor_targets(
    matched: np.ndarray,
    anchors: np.ndarray,
    boxes: np.ndarray,
    classes: np.ndarray,
    variances: Sequence[float] = VARIANCES,
) -> tuple[np.ndarray, np.ndarray]:
    """Class and box targets of all anchors.

    Args:
        matched: (A,) result of `match_anchors`.
        anchors: (A, 4) float32 xyxy, in input pixels.
        boxes: (n, 4) float32 xyxy, in input pixels.
        classes: (n,) int, from 0.
        variances: scales of the offsets.

    Returns:
        (A,) float32: -1 ignored, 0 background, 1 + class; and (A, 4) float32 offsets, zero
        where the anchor is not positive.
    """
    labels = np.minimum(matched, 0).astype(np.float32)
    offsets = np.zeros((len(anchors), 4), np.float32)
    index = np.flatnonzero(matched > 0)
    source = matched[index] - 1
    labels[index] = np.asarray(classes)[source] + 1
    offsets[index] = encode_boxes(np.asarray(boxes, np.float32)[source], anchors[index], variances)
    return labels, offsets
