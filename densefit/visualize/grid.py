"""Grid of images with captions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from densefit.visualize.letters import put_text, shortened, text_size
from densefit.visualize.style import Color, contrasting

_SMALLEST_LETTERS = 6.0  # pixels: a longer caption is shortened instead


def grid(
    images: Sequence[np.ndarray],
    columns: int = 4,
    captions: Sequence[str] | None = None,
    gap: int = 8,
    background: Color = (255, 255, 255),
    tile: tuple[int, int] = (0, 0),
) -> np.ndarray:
    """Arrange images of any sizes in rows of `columns`, centred, with captions below.

    Args:
        images: (H, W, 3) uint8 each; one or more.
        columns: images in a row, 1 or more.
        captions: a line for each image; shortened if it does not fit.
        gap: pixels between and around the images.
        background: color of the rest.
        tile: smallest (height, width) of a cell: of images up to this size all cells are equal.
    """
    rows = [list(range(i, min(i + columns, len(images)))) for i in range(0, len(images), columns)]
    widths = [
        max([tile[1], *(images[row[column]].shape[1] for row in rows if column < len(row))])
        for column in range(len(rows[0]))
    ]
    heights = [max([tile[0], *(images[index].shape[0] for index in row)]) for row in rows]
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


def tile_of(images: Sequence[np.ndarray]) -> tuple[int, int]:
    """Return the (height, width) that all images fit into."""
    return max(image.shape[0] for image in images), max(image.shape[1] for image in images)


def _put_caption(
    image: np.ndarray, text: str, left: int, top: int, width: int, letters: float
) -> None:
    """Write `text` centred under a cell, with smaller letters or shortened where it is wide.

    Nothing is written if no letter fits.
    """
    needed = text_size(text, letters)[0]
    if needed > width:
        letters = max(min(letters, _SMALLEST_LETTERS), 0.98 * letters * width / needed)
    fitting = shortened(text, width, letters)
    if not fitting:
        return
    size, ascent, _, _ = text_size(fitting, letters)
    background: Color = tuple(int(value) for value in image[top, left])  # type: ignore[assignment]
    base = top + ascent + round(0.5 * letters)
    put_text(image, fitting, left + (width - size) // 2, base, contrasting(background), letters)
