"""Draw the objects of COCO files: ground truth beside prediction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from pycocotools import mask as coco

from densefit.tools.formats.coco_truth import Truth
from densefit.tools.formats.image_source import Photographs
from densefit.visualize.drawing import (
    FAR,
    color_of,
    draw_boxes,
    draw_mask,
    line_width,
    note_unreached,
)

# Default score threshold for drawing.
DRAWN = 0.3


class CocoPictures:
    """Draw the true and the predicted objects of an image.

    Args:
        truth: ground truth.
        predictions: predictions of each annotated image.
        photographs: images to draw on.
        threshold: lowest score that is drawn.
    """

    def __init__(
        self,
        truth: Truth,
        predictions: Sequence[Mapping[str, Any]],
        photographs: Photographs,
        threshold: float | None = None,
    ) -> None:
        self._truth, self._predictions, self._photographs = truth, predictions, photographs
        self._threshold = DRAWN if threshold is None else threshold
        self._indices = {picture.key: index for index, picture in enumerate(truth.pictures)}

    def __call__(self, key: str) -> list[np.ndarray]:
        """Draw [ground truth, prediction], (H, W, 3) uint8 RGB each."""
        index = self._indices[key]
        target, prediction = self._truth.targets[index], self._predictions[index]
        size = self._truth.pictures[index].size or _extent([target, prediction])
        image, fitted = self._photographs.fitted(key, size)
        drawn_rows = np.flatnonzero(prediction["scores"] >= self._threshold)
        drawn_objects = fitted(_rows_of(prediction, drawn_rows))
        empty = note_unreached(image, prediction["scores"], self._threshold)
        return [
            draw_objects(image, fitted(target), None, self._truth.classes),
            draw_objects(empty, drawn_objects, None, self._truth.classes),
        ]


def draw_objects(
    image: np.ndarray, objects: Mapping[str, Any], rows: np.ndarray | None, names: Sequence[str]
) -> np.ndarray:
    """Draw objects on a copy of an image: masks, keypoints, boxes with class names.

    Args:
        image: (H, W, 3) uint8 RGB.
        objects: objects as a COCO metric takes them: "classes" and any of "masks", "keypoints",
            "bbox", "scores".
        rows: indices of the objects to draw; None for all.
        names: class names.
    """
    objects = objects if rows is None else _rows_of(objects, rows)
    classes = np.asarray(objects["classes"], np.int64)
    scores = np.asarray(objects["scores"], np.float64) if "scores" in objects else None
    if "keypoints" in objects:
        points = objects["keypoints"]
        if scores is not None:
            points = np.array(points)
            points[~(points[..., 2] > 0).any(axis=1), :, 2] = 1  # results state no visibility
    if "masks" in objects:
        masks = list(objects["masks"])
        image = _draw_masks(image, masks, classes, scores)
        boxes = coco.toBbox(masks) if masks else np.zeros((0, 4))
    elif "bbox" in objects:
        boxes = objects["bbox"]
    else:
        boxes = np.array([_around(object_points) for object_points in points])
    corners = np.asarray(boxes, np.float64).reshape(-1, 4).copy()
    corners[:, 2:] += corners[:, :2]
    image = draw_boxes(image, corners, classes, names, scores)
    if "keypoints" in objects:
        _draw_points(image, points, classes)
    return image


def _rows_of(objects: Mapping[str, Any], rows: np.ndarray) -> dict[str, Any]:
    """Select objects by index."""
    named = ("classes", "scores", "keypoints", "masks", "bbox")
    return {
        key: value[rows] if isinstance(value, np.ndarray) else [value[row] for row in rows]
        for key, value in objects.items()
        if key in named
    }


def _draw_masks(
    image: np.ndarray,
    masks: Sequence[Mapping[str, Any]],
    classes: np.ndarray,
    scores: np.ndarray | None,
) -> np.ndarray:
    """Tint masks by class; the highest score is on top, without scores the smallest mask."""
    areas = np.asarray(coco.area(list(masks)) if masks else [], np.float64)
    painted = np.full(image.shape[:2], 255, np.uint8)
    for index in np.argsort(-areas if scores is None else scores, kind="stable"):
        painted[coco.decode(dict(masks[index])) > 0] = classes[index] % 255
    return draw_mask(image, painted)


def _draw_points(image: np.ndarray, objects: np.ndarray, classes: np.ndarray) -> None:
    """Draw labelled keypoints as dots, in place."""
    radius = 1 + line_width(image)
    for points, label in zip(objects, classes):
        for x, y, visible in points:
            if visible > 0:
                center = (round(float(np.clip(x, -FAR, FAR))), round(float(np.clip(y, -FAR, FAR))))
                cv2.circle(image, center, radius + 1, (255, 255, 255), -1, cv2.LINE_AA)
                cv2.circle(image, center, radius, color_of(int(label)), -1, cv2.LINE_AA)


def _around(points: np.ndarray) -> list[float]:
    """Compute the box [x, y, width, height] around labelled keypoints."""
    some = points[points[:, 2] > 0, :2]
    if not len(some):
        return [0.0, 0.0, 0.0, 0.0]
    low, high = some.min(axis=0), some.max(axis=0)
    return [*low.tolist(), *(high - low).tolist()]


def _extent(sides: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    """Size that contains all boxes and keypoints of an image, if the file states none."""
    high = [64.0, 64.0]
    for side in sides:
        for x, y, width, height in side.get("bbox", ()):
            high = [max(high[0], y + height), max(high[1], x + width)]
        for points in side.get("keypoints", ()):
            high = [max(high[0], points[:, 1].max()), max(high[1], points[:, 0].max())]
    return min(int(high[0]) + 1, 4096), min(int(high[1]) + 1, 4096)
