"""Types of predictions, in the coordinates of the original image: for type checkers and editors.

Heads of maps and classes predict arrays: masks (H, W) uint8, depths (H, W) float32, normals
(H, W, 3) float32, probabilities (C,) float32.
"""

from __future__ import annotations

from typing import Any, TypedDict

import numpy as np


class Detections(TypedDict):
    """Boxes of an image, by falling score.

    Attributes:
        boxes: (m, 4) float32 xyxy in pixels.
        scores: (m,) float32, 0 to 1.
        classes: (m,) int64 index of the class.
    """

    boxes: np.ndarray
    scores: np.ndarray
    classes: np.ndarray


class InstanceDetections(Detections):
    """Boxes with masks.

    Attributes:
        masks: m COCO run lengths of the original size; `pycocotools.mask.decode(masks)` makes
            (H, W, m) uint8 of them.
    """

    masks: list[dict[str, Any]]


class KeypointDetections(Detections):
    """Boxes with keypoints.

    Attributes:
        keypoints: (m, K, 3) float32: x and y in continuous pixels, and confidence.
    """

    keypoints: np.ndarray


class Segments(TypedDict):
    """Things and stuff of an image.

    Attributes:
        map: (H, W) int32, segment of each pixel, 0 for none.
        ids: (n,) int64, the segments in `map`.
        classes: (n,) int64 index of each segment's class.
    """

    map: np.ndarray
    ids: np.ndarray
    classes: np.ndarray
