"""Predictions on pictures: boxes, masks, labels and grids. Numpy and OpenCV, RGB uint8.

Every function returns a new picture; line widths and letters grow with the picture.
"""

from __future__ import annotations

import colorsys
import math
from collections.abc import Sequence

import cv2
import numpy as np

from densefit.visualize.letters import put_text, shortened, text_size

Color = tuple[int, int, int]

# Well told apart on photographs and from one another; further ones are made by turning the hue.
_PALETTE: tuple[Color, ...] = (
    (230, 60, 60),
    (40, 150, 240),
    (70, 190, 80),
    (250, 170, 20),
    (170, 80, 220),
    (30, 200, 190),
    (240, 90, 170),
    (150, 110, 60),
    (190, 210, 40),
    (90, 100, 230),
    (250, 130, 90),
    (20, 120, 90),
)
FAR = 1e6  # pixels out of a picture that OpenCV can still count, with parts of pixels
_SMALLEST_LETTERS = 6.0  # pixels: of smaller ones only the beginning of a text is shown


def color_of(index: int) -> Color:
    """The colour of class `index`: always the same, and unlike that of its neighbours.

    >>> color_of(0)
    (230, 60, 60)
    """
    if 0 <= index < len(_PALETTE):
        return _PALETTE[index]
    hue = (index * 0.6180339887498949) % 1.0  # golden ratio: never near the last few
    lightness = (0.42, 0.55, 0.68)[index % 3]
    red, green, blue = colorsys.hls_to_rgb(hue, lightness, 0.75)
    return round(red * 255), round(green * 255), round(blue * 255)


def line_width(image: np.ndarray) -> int:
    """Width in pixels of an outline that is thin but visible on `image`."""
    return max(1, round(min(image.shape[:2]) / 300))


def letter_height(image: np.ndarray) -> float:
    """Height in pixels of capital letters that can be read on `image` and hide little of it."""
    return float(np.clip(min(image.shape[:2]) / 45, 8, 40))


def _legible(background: Color) -> Color:
    """Black or white, whichever stands out from `background`."""
    red, green, blue = background
    return (0, 0, 0) if 0.299 * red + 0.587 * green + 0.114 * blue > 150 else (255, 255, 255)


def _plate_size(text: str, height: float) -> tuple[int, int]:
    """(width, height) in pixels of the plate under `text`."""
    width, ascent, descent, _ = text_size(text, height)
    pad = _pad(height)
    return width + 2 * pad, ascent + 2 * pad + descent // 3


def fitted_text(image: np.ndarray, text: str, height: float) -> tuple[str, float]:
    """`text` and the height of its letters such that its plate is no wider than `image`."""
    width = _plate_size(text, height)[0]
    if width > image.shape[1]:
        height = max(min(height, _SMALLEST_LETTERS), 0.98 * height * image.shape[1] / width)
        text = shortened(text, image.shape[1] - 2 * _pad(height), height)
    return text, height


def _pad(height: float) -> int:
    """Pixels of a plate around its letters."""
    return max(2, round(height / 4))


def _put_label(
    image: np.ndarray, text: str, left: int, top: int, color: Color, height: float
) -> None:
    """Write `text` into `image` on a plate of `color` whose upper left corner is (left, top)."""
    width, tall = _plate_size(text, height)
    ascent, pad = text_size(text, height)[1], _pad(height)
    image[top : top + tall, left : left + width] = color
    put_text(image, text, left + pad, top + pad + ascent, _legible(color), height)


def _place(
    image: np.ndarray,
    box: Sequence[int],
    size: tuple[int, int],
    line: int,
    placed: list[tuple[int, int, int, int]],
) -> tuple[int, int]:
    """(left, top) for a plate of `size` at `box`: the first place where it hides none of `placed`.

    Tried are: above the box, inside its top, below it, each at the left and at the right.
    """
    width, height = size
    tried = []
    for top in (box[1] - height, box[1], box[3]):
        for left in (box[0] - line // 2, box[2] + line // 2 - width):
            x = int(np.clip(left, 0, max(0, image.shape[1] - width)))
            y = int(np.clip(top, 0, max(0, image.shape[0] - height)))
            tried.append((x, y, x + width, y + height))
    for a in tried:
        if all(a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1] for b in placed):
            break
    else:
        a = tried[0]
    placed.append(a)
    return a[0], a[1]


def draw_label(
    image: np.ndarray,
    text: str,
    position: tuple[float, float] | None = None,
    color: Color = (30, 30, 30),
) -> np.ndarray:
    """A copy of `image` with `text` on a plate.

    Args:
        image: (H, W, 3) uint8.
        text: one line.
        position: (x, y) of the plate's lower left corner; None: the upper left of the picture.
            A plate that would hang out of the picture is moved in.
        color: of the plate; the letters are black or white.
    """
    result = np.ascontiguousarray(image).copy()
    x, y, _, _ = corners_on(result, np.array([*(position or (0, 0)), 0, 0]))[0].tolist()
    text, height = fitted_text(result, text, letter_height(result))
    left, top = _place(result, (x, y, x, y), _plate_size(text, height), 0, [])
    _put_label(result, text, left, top, color, height)
    return result


def corners_on(image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Boxes (n, 4) xyxy as whole pixels (n, 4) that can be drawn on `image`.

    Edges that are far out of the picture come just beside it, where they are as little seen:
    OpenCV takes no more than 32 bits. A box with a nan is wholly outside.
    """
    height, width = image.shape[:2]
    far = 2 * line_width(image) + 2
    corners = np.nan_to_num(np.asarray(boxes, np.float64).reshape(-1, 4), nan=np.inf, posinf=np.inf)
    corners = np.clip(corners, -far, np.array([width, height, width, height]) + far)
    rounded: np.ndarray = np.round(corners).astype(int)
    return rounded


def draw_boxes(
    image: np.ndarray,
    boxes: np.ndarray,
    classes: np.ndarray,
    names: Sequence[str] | None = None,
    scores: np.ndarray | None = None,
) -> np.ndarray:
    """A copy of `image` with outlined and labelled boxes.

    Args:
        image: (H, W, 3) uint8.
        boxes: (n, 4) xyxy in continuous pixels.
        classes: (n,) int, which choose the colours.
        names: class names to write; None writes none.
        scores: (n,) to write behind the names; the best box lies on top.
    """
    result = np.ascontiguousarray(image).copy()
    width, height = line_width(result), letter_height(result)
    order = np.arange(len(boxes)) if scores is None else np.argsort(scores, kind="stable")
    corners = corners_on(result, boxes)
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
            size = _plate_size(text, letters)
            left, top = _place(result, corners[index].tolist(), size, width, placed)
            _put_label(result, text, left, top, color_of(int(classes[index])), letters)
    return result


def say_unshown(image: np.ndarray, scores: np.ndarray, threshold: float) -> np.ndarray:
    """A copy of `image` that says so if there are detections, and none reaches the threshold."""
    if not len(scores) or np.max(scores) >= threshold:
        return image.copy()
    best = math.floor(1000 * float(np.max(scores))) / 1000  # rounded up it might reach
    return draw_label(image, f"0 of {len(scores)} reach {threshold:g}, best {best:g}")


def draw_mask(
    image: np.ndarray,
    mask: np.ndarray,
    names: Sequence[str] | None = None,
    alpha: float = 0.5,
    hidden: Sequence[int] = (255,),
    contour: bool = True,
    colors: Sequence[Color] | None = None,
) -> np.ndarray:
    """A copy of `image` tinted by the classes of `mask`.

    Args:
        image: (H, W, 3) uint8.
        mask: (H, W) class indices, 0 to 255.
        names: class names for a legend of the classes seen, the largest first; None: no legend.
        alpha: strength of the tint, 0 to 1.
        hidden: classes that are left untinted (a background, the void).
        contour: also draw the borders between classes, opaque.
        colors: of the classes; None takes `color_of`.
    """
    mask = np.ascontiguousarray(mask, np.uint8)
    table = np.array([color_of(index) for index in range(256)], np.uint8)
    if colors is not None:
        table[: len(colors)] = colors
    shown = ~np.isin(np.arange(256), list(hidden))[mask]
    paint = table[mask]
    result = np.ascontiguousarray(image).copy()
    result[shown] = cv2.addWeighted(result, 1.0 - alpha, paint, alpha, 0.0)[shown]
    if contour:
        size = 2 * line_width(result) + 1
        kernel = np.ones((size, size), np.uint8)
        # Pixels whose neighbourhood holds another class.
        edge = (cv2.erode(mask, kernel) != mask) | (cv2.dilate(mask, kernel) != mask)
        edge &= shown
        result[edge] = paint[edge]
    if names is not None:
        _put_legend(result, mask[shown], names, [(r, g, b) for r, g, b in table.tolist()])
    return result


def _put_legend(
    image: np.ndarray, pixels: np.ndarray, names: Sequence[str], colors: Sequence[Color]
) -> None:
    """Name the classes among `pixels` in the upper left corner, as many as fit."""
    height = letter_height(image)
    step = _plate_size("A", height)[1] + 1
    counts = np.bincount(pixels.ravel(), minlength=len(names))[: len(names)]
    seen = [int(index) for index in np.argsort(-counts, kind="stable") if counts[index]]
    for place, index in enumerate(seen[: max(1, image.shape[0] // step)]):
        name, letters = fitted_text(image, names[index], height)
        _put_label(image, name, 0, place * step, colors[index], letters)


def grid(
    images: Sequence[np.ndarray],
    columns: int = 4,
    captions: Sequence[str] | None = None,
    gap: int = 8,
    background: Color = (255, 255, 255),
) -> np.ndarray:
    """One picture of many: rows of `columns`, of any sizes, each centred with its caption below.

    Args:
        images: (H, W, 3) uint8 each; at least one.
        columns: pictures in a row, 1 or more.
        captions: one line for each picture; shortened where it does not fit.
        gap: pixels between and around the pictures.
        background: colour of what is left over.
    """
    rows = [list(range(i, min(i + columns, len(images)))) for i in range(0, len(images), columns)]
    widths = [
        max(images[row[column]].shape[1] for row in rows if column < len(row))
        for column in range(len(rows[0]))
    ]
    heights = [max(images[index].shape[0] for index in row) for row in rows]
    letters = float(np.clip(float(np.median(widths)) / 40, 8, 14))
    footer = round(2.2 * letters) if captions is not None else 0
    size = (
        sum(heights) + len(rows) * footer + gap * (len(rows) + 1),
        sum(widths) + gap * (len(widths) + 1),
    )
    result = np.full((*size, 3), background, np.uint8)
    top = gap
    for row, height in zip(rows, heights):
        left = gap
        for index, width in zip(row, widths):
            image = images[index]
            y, x = top + (height - image.shape[0]) // 2, left + (width - image.shape[1]) // 2
            result[y : y + image.shape[0], x : x + image.shape[1]] = image
            if captions is not None:
                _put_caption(result, captions[index], left, top + height, width, letters)
            left += width + gap
        top += height + footer + gap
    return result


def _put_caption(
    image: np.ndarray, text: str, left: int, top: int, width: int, letters: float
) -> None:
    """Write `text` centred under a cell of the grid, shortened to `width`, or nothing."""
    fitting = shortened(text, width, letters)
    if not fitting:
        return
    size, ascent, _, _ = text_size(fitting, letters)
    background: Color = tuple(int(value) for value in image[top, left])  # type: ignore[assignment]
    base = top + ascent + round(0.5 * letters)
    put_text(image, fitting, left + (width - size) // 2, base, _legible(background), letters)
