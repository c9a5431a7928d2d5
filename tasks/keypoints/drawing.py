"""Skeletons on an image. Numpy and OpenCV, RGB uint8."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np

from densefit.visualize.drawing import (
    FAR,
    Color,
    color_of,
    draw_boxes,
    line_width,
    note_unreached,
)

_OUTLINE: Color = (20, 20, 20)
_SUBPIXEL = 4  # fractional bits of coordinates in OpenCV's drawing functions


def draw_poses(
    image: np.ndarray,
    prediction: Mapping[str, np.ndarray],
    classes: Sequence[str],
    limbs: np.ndarray,
    score_threshold: float,
    keypoint_threshold: float,
) -> np.ndarray:
    """Draw predicted boxes and skeletons on a copy, the best on top; note it if there are none.

    Args:
        image: (H, W, 3) uint8.
        prediction: prediction of a keypoint head.
        classes: class names; a single one is not written.
        limbs: (L, 2) indices of keypoints.
        score_threshold: objects with a lower score are not drawn.
        keypoint_threshold: keypoints with a lower confidence are not drawn.
    """
    image = note_unreached(image, prediction["scores"], score_threshold)
    rows = np.flatnonzero(prediction["scores"] >= score_threshold)
    boxes, scores = prediction["boxes"][rows], prediction["scores"][rows]
    names = classes if len(classes) > 1 else None
    image = draw_boxes(image, boxes, prediction["classes"][rows], names, scores)
    return draw_skeletons(image, prediction["keypoints"][rows[::-1]], limbs, keypoint_threshold)


def draw_annotated_poses(
    image: np.ndarray, truth: Mapping[str, Any], classes: Sequence[str], limbs: np.ndarray
) -> np.ndarray:
    """Draw annotated objects on a copy; crowds and objects without keypoints are marked.

    Args:
        image: (H, W, 3) uint8.
        truth: ground truth of a keypoint head.
        classes: class names; a single one is not written.
        limbs: (L, 2) indices of keypoints.
    """
    boxes, kinds = np.asarray(truth["boxes"]), np.asarray(truth["classes"])
    crowd = np.asarray(truth.get("crowd", np.zeros(len(boxes))), bool)
    points = np.asarray(truth["keypoints"])
    bare = ~(points[..., 2] > 0).any(axis=1) & ~crowd
    for chosen, word in ((crowd, " crowd"), (bare, " unlabelled"), (~crowd & ~bare, "")):
        named = [f"{name}{word}" for name in classes]
        names = named if word or len(named) > 1 else None
        image = draw_boxes(image, boxes[chosen], kinds[chosen], names)
    return draw_skeletons(image, points[~crowd], limbs)


def draw_skeletons(
    image: np.ndarray, keypoints: np.ndarray, limbs: np.ndarray, threshold: float = 0.0
) -> np.ndarray:
    """Draw limbs as lines, each in its own colour, and keypoints as dots, on a copy of `image`.

    Line width depends on the sizes of the image and of the object. All but the thinnest lines have
    a dark outline, to be visible on any background.

    Args:
        image: (H, W, 3) uint8.
        keypoints: (n, K, 3) x, y in continuous pixels, and confidence or visibility; the last
            object lies on top.
        limbs: (L, 2) indices of the keypoints that are joined.
        threshold: keypoints with a confidence above it are drawn, and limbs between them.
    """
    result = np.ascontiguousarray(image).copy()
    for points in np.asarray(keypoints, np.float64):
        visible = (points[:, 2] > threshold) & np.isfinite(points[:, :2]).all(axis=1)
        points = np.clip(np.nan_to_num(points), -FAR, FAR)
        if not visible.any():
            continue
        width = _width(result, points[visible, :2])
        # The centre of pixel 0 is at 0.5 here, and at 0 in OpenCV.
        positions = np.rint((points[:, :2] - 0.5) * 2**_SUBPIXEL).astype(int)
        lines = [(number, a, b) for number, (a, b) in enumerate(limbs) if visible[a] and visible[b]]
        outline = [(width + 2, True)] if width > 1 else []
        for thickness, outlined in (*outline, (width, False)):
            for number, a, b in lines:
                color = _OUTLINE if outlined else color_of(number)
                _line(result, positions[a], positions[b], color, thickness)
            for index in map(int, np.flatnonzero(visible)):
                # Colours tell keypoints apart where there are no limbs.
                color = color_of(index) if len(limbs) == 0 else (255, 255, 255)
                radius = width if outlined else width - 1
                _dot(result, positions[index], _OUTLINE if outlined else color, radius)
    return result


def _width(image: np.ndarray, points: np.ndarray) -> int:
    """Line width in pixels: 1/100 of the image, but at most 1/15 of the object."""
    extent = float((points.max(axis=0) - points.min(axis=0)).max())
    return max(1, min(3 * line_width(image), round(extent / 15)))


def _line(image: np.ndarray, a: np.ndarray, b: np.ndarray, color: Color, width: int) -> None:
    first, second = ((int(x), int(y)) for x, y in (a, b))
    cv2.line(image, first, second, color, width, cv2.LINE_AA, _SUBPIXEL)


def _dot(image: np.ndarray, position: np.ndarray, color: Color, radius: int) -> None:
    centre = (int(position[0]), int(position[1]))
    cv2.circle(image, centre, radius << _SUBPIXEL, color, -1, cv2.LINE_AA, _SUBPIXEL)
