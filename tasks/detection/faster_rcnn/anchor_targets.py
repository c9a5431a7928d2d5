"""Match anchors with the boxes of an image, and sample those that are trained. Numpy only.

Ren et al., "Faster R-CNN", NeurIPS 2015, section 3.1.2; matching as in torchvision's `Matcher`,
with low-quality matches. Runs in the loader's workers.
"""

from __future__ import annotations

import numpy as np

from densefit.tasks.detection.assign import IGNORE, areas, intersections

from .truth import CROWD_SHARE


def match_anchors(
    anchors: np.ndarray,
    boxes: np.ndarray,
    ignored: np.ndarray,
    crowd: np.ndarray,
    iou_positive: float,
    iou_negative: float,
) -> np.ndarray:
    """The box assigned to each anchor.

    An anchor is positive from `iou_positive` on, or if no anchor has a higher IoU with one of the
    boxes; it takes the box with which its own IoU is highest.

    Args:
        anchors: (A, 4) float32 xyxy, in input pixels.
        boxes: (n, 4) float32 xyxy, in input pixels. Boxes without area match nothing.
        ignored: (n,) bool, boxes that are neither learned nor background.
        crowd: (n,) bool, boxes around groups: anchors with half of their area in one are ignored
            unless they are positive.
        iou_positive: lowest IoU at which an anchor takes its best box.
        iou_negative: anchors below this IoU with all boxes are background; anchors in between are
            ignored.

    Returns:
        (A,) int64: -1 ignored, 0 background, 1 + index of the box.
    """
    matched = np.zeros(len(anchors), np.int64)
    solid = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    shared = intersections(boxes[solid & crowd], anchors)
    if len(shared):
        matched[(shared >= CROWD_SHARE * areas(anchors)).any(axis=0)] = IGNORE
    difficult = boxes[solid & ignored & ~crowd]
    if len(difficult):
        matched[(overlaps(difficult, anchors) >= iou_negative).any(axis=0)] = IGNORE
    learned = np.flatnonzero(solid & ~crowd & ~ignored)
    if not len(learned):
        return matched
    iou = overlaps(boxes[learned], anchors)
    best = iou.max(axis=0)
    matched[(best >= iou_negative) & (best < iou_positive)] = IGNORE
    highest = iou.max(axis=1, keepdims=True)
    # A box that overlaps no anchor takes none.
    is_highest = ((iou == highest) & (highest > 0)).any(axis=0)
    positive = np.flatnonzero((best >= iou_positive) | is_highest)
    matched[positive] = learned[iou[:, positive].argmax(axis=0)] + 1
    return matched


def overlaps(boxes: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """(n, A) float32 IoU of (n, 4) boxes and (A, 4) anchors."""
    iou = intersections(boxes, anchors)
    union = areas(boxes)[:, None] + areas(anchors)
    union -= iou
    iou /= union
    return iou


def sample_anchors(
    matched: np.ndarray, count: int, fraction: float, rng: np.random.Generator
) -> np.ndarray:
    """Indices of random anchors: positives up to a fraction of `count`, and background.

    Args:
        matched: (A,) result of `match_anchors`.
        count: maximum number of anchors.
        fraction: largest part of positives.
        rng: source of the choice.

    Returns:
        (up to count,) int64 indices, the positives first.
    """
    positive = _choice(np.flatnonzero(matched > 0), int(count * fraction), rng)
    background = _choice(np.flatnonzero(matched == 0), count - len(positive), rng)
    return np.concatenate([positive, background])


def _choice(index: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """All indices, or `count` of them at random."""
    return index if len(index) <= count else rng.choice(index, count, replace=False)


def encode_offsets(boxes: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """(n, 4) float32 offsets (dx, dy, dw, dh) of boxes (n, 4) from anchors (n, 4), not scaled."""
    sides, anchor_sides = boxes[:, 2:] - boxes[:, :2], anchors[:, 2:] - anchors[:, :2]
    centers, anchor_centers = boxes[:, :2] + sides / 2, anchors[:, :2] + anchor_sides / 2
    shift = (centers - anchor_centers) / anchor_sides
    return np.concatenate([shift, np.log(sides / anchor_sides)], axis=1).astype(np.float32)
