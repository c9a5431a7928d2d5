"""Labels on images: text on a colored plate inside the image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from densefit.visualize.letters import put_text, shortened, text_size
from densefit.visualize.style import Color, contrasting, letter_height, line_width

_SMALLEST_LETTERS = 6.0  # pixels: smaller texts are shortened instead


def plate_size(text: str, height: float) -> tuple[int, int]:
    """Width and height in pixels of the plate under `text`."""
    width, ascent, descent, _ = text_size(text, height)
    pad = _pad(height)
    return width + 2 * pad, ascent + 2 * pad + descent // 3


def fitted_text(image: np.ndarray, text: str, height: float) -> tuple[str, float]:
    """Shorten `text` and reduce the height of its letters until its plate fits into `image`."""
    width = plate_size(text, height)[0]
    if width > image.shape[1]:
        height = max(min(height, _SMALLEST_LETTERS), 0.98 * height * image.shape[1] / width)
        text = shortened(text, image.shape[1] - 2 * _pad(height), height)
    return text, height


def _pad(height: float) -> int:
    """Padding of a plate in pixels."""
    return max(2, round(height / 4))


def put_label(
    image: np.ndarray, text: str, left: int, top: int, color: Color, height: float
) -> None:
    """Write `text` into `image` on a plate of `color` with the upper left corner (left, top)."""
    width, tall = plate_size(text, height)
    ascent, pad = text_size(text, height)[1], _pad(height)
    image[top : top + tall, left : left + width] = color
    put_text(image, text, left + pad, top + pad + ascent, contrasting(color), height)


def place_label(
    image: np.ndarray,
    box: Sequence[int],
    size: tuple[int, int],
    line: int,
    placed: list[tuple[int, int, int, int]],
) -> tuple[int, int]:
    """Choose (left, top) for a plate of `size` at `box` where it overlaps none of `placed`.

    Candidates are above the box, inside its top and below it, each at the left and at the right;
    the first if all overlap. The place is added to `placed`.
    """
    free, first = _candidates(image, box, size, line, placed)
    placed.append(free or first)
    return placed[-1][:2]


def free_place(
    image: np.ndarray,
    box: Sequence[int],
    size: tuple[int, int],
    line: int,
    placed: list[tuple[int, int, int, int]],
) -> tuple[int, int] | None:
    """Choose a place as `place_label` does; None if every candidate overlaps another label."""
    free, _ = _candidates(image, box, size, line, placed)
    if free is None:
        return None
    placed.append(free)
    return free[:2]


def _candidates(
    image: np.ndarray,
    box: Sequence[int],
    size: tuple[int, int],
    line: int,
    placed: Sequence[tuple[int, int, int, int]],
) -> tuple[tuple[int, int, int, int] | None, tuple[int, int, int, int]]:
    """Return the first candidate that overlaps none of `placed`, and the first of all."""
    width, height = size
    candidates = []
    for top in (box[1] - height, box[1], box[3]):
        for left in (box[0] - line // 2, box[2] + line // 2 - width):
            x = int(np.clip(left, 0, max(0, image.shape[1] - width)))
            y = int(np.clip(top, 0, max(0, image.shape[0] - height)))
            candidates.append((x, y, x + width, y + height))
    free = (
        a
        for a in candidates
        if all(a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1] for b in placed)
    )
    return next(free, None), candidates[0]


def draw_label(
    image: np.ndarray,
    text: str,
    position: tuple[float, float] | None = None,
    color: Color = (30, 30, 30),
) -> np.ndarray:
    """Draw `text` on a plate, on a copy of `image`.

    Args:
        image: (H, W, 3) uint8.
        text: one line.
        position: (x, y) of the plate's lower left corner; None: the upper left of the image. A
            plate that would extend beyond the image is moved in.
        color: color of the plate; the letters are black or white.
    """
    result = np.ascontiguousarray(image).copy()
    x, y, _, _ = corners_on(result, np.array([*(position or (0, 0)), 0, 0]))[0].tolist()
    text, height = fitted_text(result, text, letter_height(result))
    left, top = place_label(result, (x, y, x, y), plate_size(text, height), 0, [])
    put_label(result, text, left, top, color, height)
    return result


def corners_on(image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Round boxes (n, 4) xyxy to whole pixels (n, 4) that can be drawn on `image`.

    Edges far outside of the image move just outside: OpenCV takes 32-bit coordinates. A box with a
    nan is completely outside.
    """
    height, width = image.shape[:2]
    far = 2 * line_width(image) + 2
    corners = np.nan_to_num(np.asarray(boxes, np.float64).reshape(-1, 4), nan=np.inf, posinf=np.inf)
    corners = np.clip(corners, -far, np.array([width, height, width, height]) + far)
    rounded: np.ndarray = np.round(corners).astype(int)
    return rounded
