"""Draw boxes and masks on images. Numpy and OpenCV, RGB uint8.

Every function returns a new image; line widths and letters grow with the image.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np

from densefit.visualize.labels import (
    corners_on,
    draw_label,
    fitted_text,
    free_place,
    plate_size,
    put_label,
)
from densefit.visualize.style import FAR, Color, color_of, letter_height, line_width

__all__ = [
    "FAR",
    "Color",
    "color_of",
    "draw_boxes",
    "draw_label",
    "draw_mask",
    "letter_height",
    "line_width",
    "note_unreached",
]


def draw_boxes(
    image: np.ndarray,
    boxes: np.ndarray,
    classes: np.ndarray,
    names: Sequence[str] | None = None,
    scores: np.ndarray | None = None,
) -> np.ndarray:
    """Draw outlined and labelled boxes on a copy of `image`.

    Outlines of small boxes are thin. A label that finds no free place is left out: of many boxes
    in a heap, the highest-scoring ones are labelled.

    Args:
        image: (H, W, 3) uint8.
        boxes: (n, 4) xyxy in continuous pixels.
        classes: (n,) int, which determine the colors.
        names: class names to write; None writes none.
        scores: (n,) to write after the names; the highest-scoring box is on top.
    """
    result = np.ascontiguousarray(image).copy()
    height = letter_height(result)
    order = np.arange(len(boxes)) if scores is None else np.argsort(scores, kind="stable")
    corners = corners_on(result, boxes)
    width = min(line_width(result), _width_for(corners))
    for index in order:
        left, top, right, bottom = corners[index]
        color = color_of(int(classes[index]))
        right, bottom = max(left, right - 1), max(top, bottom - 1)  # the edge is exclusive
        cv2.rectangle(result, (left, top), (right, bottom), color, width)
    placed: list[tuple[int, int, int, int]] = []
    for index in order[::-1]:
        words = [] if names is None else [names[int(classes[index])]]
        words += [] if scores is None else [f"{scores[index]:.2f}"]
        if words:
            text, letters = fitted_text(result, " ".join(words), height)
            size = plate_size(text, letters)
            corner = free_place(result, corners[index].tolist(), size, width, placed)
            if corner is not None:
                put_label(result, text, *corner, color_of(int(classes[index])), letters)
    return result


def _width_for(corners: np.ndarray) -> int:
    """Width in pixels of an outline that leaves the inside of most boxes (n, 4) visible."""
    if not len(corners):
        return 1
    sides = np.minimum(corners[:, 2] - corners[:, 0], corners[:, 3] - corners[:, 1])
    return max(1, round(float(np.median(sides)) / 12))


def note_unreached(image: np.ndarray, scores: np.ndarray, threshold: float) -> np.ndarray:
    """Copy `image`, with a note if there are detections and none reaches the threshold."""
    if not len(scores) or np.max(scores) >= threshold:
        return image.copy()
    best = math.floor(1000 * float(np.max(scores))) / 1000  # rounded up it could reach
    least = math.ceil(round(1000 * threshold, 6)) / 1000
    return draw_label(image, f"0 of {len(scores)} reach {least:g}, best {best:g}")


def draw_mask(
    image: np.ndarray,
    mask: np.ndarray,
    names: Sequence[str] | None = None,
    alpha: float = 0.5,
    hidden: Sequence[int] = (255,),
    contour: bool = True,
    colors: Sequence[Color] | None = None,
) -> np.ndarray:
    """Tint a copy of `image` by the classes of `mask`; a class that is called background is clear.

    Args:
        image: (H, W, 3) uint8.
        mask: (H, W) class indices, 0 to 255.
        names: class names for a legend of the classes present, the largest first; None: no legend.
        alpha: strength of the tint, 0 to 1.
        hidden: classes without tint, besides those that `names` calls background.
        contour: also draw opaque borders between classes.
        colors: colors of the classes; None: `color_of`.
    """
    mask = np.ascontiguousarray(mask, np.uint8)
    table = np.array([color_of(index) for index in range(256)], np.uint8)
    if colors is not None:
        table[: len(colors)] = colors
    clear = [*hidden, *(index for index, name in enumerate(names or ()) if is_background(name))]
    tinted = ~np.isin(np.arange(256), clear)[mask]
    paint = table[mask]
    result = np.ascontiguousarray(image).copy()
    result[tinted] = cv2.addWeighted(result, 1.0 - alpha, paint, alpha, 0.0)[tinted]
    if contour:
        size = 2 * line_width(result) + 1
        kernel = np.ones((size, size), np.uint8)
        # Pixels whose neighbourhood holds another class.
        edge = (cv2.erode(mask, kernel) != mask) | (cv2.dilate(mask, kernel) != mask)
        edge &= tinted
        result[edge] = paint[edge]
    if names is not None:
        _put_legend(result, mask[tinted], names, [(r, g, b) for r, g, b in table.tolist()])
    return result


def is_background(name: str) -> bool:
    """Whether a class is called background, as Pascal VOC, labelme and detectors write it.

    >>> [is_background(name) for name in ("background", "__background__", "backgrounds")]
    [True, True, False]
    """
    return name.strip("_").casefold() == "background"


def _put_legend(
    image: np.ndarray, pixels: np.ndarray, names: Sequence[str], colors: Sequence[Color]
) -> None:
    """List the classes among `pixels` in the upper left corner, as many as fit."""
    height = letter_height(image)
    step = plate_size("A", height)[1] + 1
    counts = np.bincount(pixels.ravel(), minlength=len(names))[: len(names)]
    present = [int(index) for index in np.argsort(-counts, kind="stable") if counts[index]]
    for row, index in enumerate(present[: max(1, image.shape[0] // step)]):
        name, letters = fitted_text(image, names[index], height)
        put_label(image, name, 0, row * step, colors[index], letters)
