"""Boxes as offsets from anchors, and back.

Girshick et al., "Rich feature hierarchies...", CVPR 2014, appendix C; the variances are those of
the SSD authors' code: they bring the four offsets to about the same spread.
"""

from __future__ import annotations

import numpy as np

VARIANCES = (0.1, 0.1, 0.2, 0.2)


def encode_boxes(boxes: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """(n, 4) xyxy boxes as (n, 4) float32 offsets (dx, dy, dw, dh) from (n, 4) xyxy anchors.

    The sides of boxes and anchors must be positive.
    """
    boxes = np.asarray(boxes, np.float32)
    anchors = np.asarray(anchors, np.float32)
    sides, anchor_sides = boxes[:, 2:] - boxes[:, :2], anchors[:, 2:] - anchors[:, :2]
    centers = (boxes[:, 2:] + boxes[:, :2]) / 2
    anchor_centers = (anchors[:, 2:] + anchors[:, :2]) / 2
    offsets = np.empty((len(boxes), 4), np.float32)
    offsets[:, :2] = (centers - anchor_centers) / anchor_sides
    offsets[:, 2:] = np.log(sides / anchor_sides)
    offsets /= np.array(VARIANCES, np.float32)
    return offsets


def decode_boxes(offsets: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    """The inverse of `encode_boxes`: (n, 4) offsets as (n, 4) float32 xyxy boxes."""
    offsets = np.asarray(offsets, np.float32) * np.array(VARIANCES, np.float32)
    anchors = np.asarray(anchors, np.float32)
    anchor_sides = anchors[:, 2:] - anchors[:, :2]
    centers = (anchors[:, 2:] + anchors[:, :2]) / 2 + offsets[:, :2] * anchor_sides
    half = np.exp(offsets[:, 2:]) * anchor_sides / 2
    return np.concatenate([centers - half, centers + half], axis=1)
