"""Draw instances: translucent masks with outlines, in a color for each object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from pycocotools import mask as coco

from densefit.visualize.labels import (
    corners_on,
    fitted_text,
    free_place,
    plate_size,
    put_label,
)
from densefit.visualize.style import color_of, letter_height, line_width


def draw_instances(
    image: np.ndarray,
    masks: Sequence[Any],
    boxes: np.ndarray,
    classes: np.ndarray,
    names: Sequence[str] | None = None,
    scores: np.ndarray | None = None,
    alpha: float = 0.45,
    first_color: int = 0,
) -> np.ndarray:
    """Tint, outline and label every object on a copy of `image`.

    Colors distinguish objects, not classes. The first object is on top. A label that is much wider
    than its object, or finds no free place, is left out, as it would hide the neighbours.

    Args:
        image: (H, W, 3) uint8.
        masks: n masks (H, W), nonzero on the object, or COCO run lengths.
        boxes: (n, 4) xyxy in pixels, for the labels.
        classes: (n,) int.
        names: class names to write; None writes none.
        scores: (n,) to write after the names.
        alpha: strength of the tint, 0 to 1.
        first_color: index of the first object's color, see `color_of`.
    """
    result = np.ascontiguousarray(image).copy()
    width = line_width(result)
    for row in reversed(range(len(masks))):
        _tint(result, _pixels(masks[row]), color_of(first_color + row), alpha, width)
    if names is None:
        return result
    letters = letter_height(result)
    placed: list[tuple[int, int, int, int]] = []
    corners = corners_on(result, boxes).tolist()
    for row in range(len(masks)):
        text = names[int(classes[row])] + ("" if scores is None else f" {scores[row]:.2f}")
        box = corners[row]
        text, height = fitted_text(result, text, letters)
        size = plate_size(text, height)
        if size[0] <= 2 * (box[2] - box[0]):
            corner = free_place(result, box, size, width, placed)
            if corner is not None:
                put_label(result, text, *corner, color_of(first_color + row), height)
    return result


def _pixels(mask: Any) -> np.ndarray:
    """Convert an array or run lengths to (H, W) uint8, 0 or 1."""
    if isinstance(mask, Mapping):
        run = dict(mask)
        if not isinstance(run["counts"], (str, bytes)):  # a list, as COCO's files may have it
            run = coco.frPyObjects({**run, "counts": list(run["counts"])}, *run["size"])
        return np.ascontiguousarray(coco.decode(run))
    return np.ascontiguousarray(np.asarray(mask) != 0).astype(np.uint8)


def _tint(
    image: np.ndarray, mask: np.ndarray, color: tuple[int, int, int], alpha: float, width: int
) -> None:
    """Tint and outline a mask in place, in its bounding box only."""
    left, top, wide, tall = cv2.boundingRect(mask)
    if not wide:
        return
    inside = mask[top : top + tall, left : left + wide]
    window = image[top : top + tall, left : left + wide]
    paint = np.full_like(window, color)
    blend = cv2.addWeighted(window, 1.0 - alpha, paint, alpha, 0.0)
    window[inside > 0] = blend[inside > 0]
    contours, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(image, contours, -1, color, width)
