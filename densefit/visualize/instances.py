"""Drawing of instances: translucent masks with an outline, a colour for each object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from pycocotools import mask as coco

from densefit.visualize.drawing import (
    _place,
    _plate_size,
    _put_label,
    color_of,
    corners_on,
    fitted_text,
    letter_height,
    line_width,
)


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
    """A copy of `image` with every object tinted, outlined and named.

    Colours tell objects apart, not classes. The first object lies on top. A name that would be
    far wider than its object is left out: it would hide the neighbours.

    Args:
        image: (H, W, 3) uint8.
        masks: n of (H, W), not 0 on the object, or COCO run lengths.
        boxes: (n, 4) xyxy in pixels: where the names go.
        classes: (n,) int.
        names: class names to write; None writes none.
        scores: (n,) to write behind the names.
        alpha: strength of the tint, 0 to 1.
        first_color: of the first object, see `color_of`; for colours that nothing else has.
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
        text, own = fitted_text(result, text, letters)
        size = _plate_size(text, own)
        if size[0] <= 2 * (box[2] - box[0]):
            left, top = _place(result, box, size, width, placed)
            _put_label(result, text, left, top, color_of(first_color + row), own)
    return result


def _pixels(mask: Any) -> np.ndarray:
    """(H, W) uint8 0 or 1, of an array or of run lengths."""
    if isinstance(mask, Mapping):
        run = dict(mask)
        if not isinstance(run["counts"], (str, bytes)):  # a list, as COCO's files may have it
            run = coco.frPyObjects({**run, "counts": list(run["counts"])}, *run["size"])
        return np.ascontiguousarray(coco.decode(run))
    return np.ascontiguousarray(np.asarray(mask) != 0).astype(np.uint8)


def _tint(
    image: np.ndarray, mask: np.ndarray, color: tuple[int, int, int], alpha: float, width: int
) -> None:
    """Colour the pixels of a mask in place, and outline it. Only its surroundings are touched."""
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
