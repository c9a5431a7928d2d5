"""Text on images, in any script that an installed font has.

OpenCV's letters are ASCII only; other texts are drawn by Pillow.
"""

from __future__ import annotations

import math
import unicodedata
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_FONT_HEIGHT = 21.0  # pixels of a capital letter at scale 1
_CAPITAL = 0.73  # height of a capital letter, of a TrueType font's size
# Pillow searches the folders of the system; the first font with all letters is used.
_FONTS = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "Arial.ttf",
    "NotoSansCJK-Regular.ttc",
    "wqy-zenhei.ttc",
    "PingFang.ttc",
    "msyh.ttc",
    "Arial Unicode.ttf",
)
_ASCII = str.maketrans(
    {"ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O"}
    | {"đ": "d", "Đ": "D", "ð": "d", "þ": "th", "ł": "l", "Ł": "L", "ı": "i"}
    | {"–": "-", "—": "-", "…": "...", "‘": "'", "’": "'", "“": '"', "”": '"', "×": "x"}
)


def text_size(text: str, height: float) -> tuple[int, int, int, int]:
    """Measure (width, ascent, descent, stroke) in pixels of `text` with capitals of `height`."""
    stroke = max(1, round(height / 14))
    text, font = _written(text, height)
    (width, ascent), descent = cv2.getTextSize(text, _FONT, height / _FONT_HEIGHT, stroke)
    if font is not None:
        width = int(np.ceil(font.getlength(text)))
    return width, ascent, descent, stroke


def put_text(
    image: np.ndarray, text: str, left: int, base: int, color: tuple[int, int, int], height: float
) -> None:
    """Write `text` into `image`, starting at `left` with its baseline on the row `base`."""
    stroke = max(1, round(height / 14))
    text, font = _written(text, height)
    if font is None:
        scale = height / _FONT_HEIGHT
        cv2.putText(image, text, (left, base), _FONT, scale, color, stroke, lineType=cv2.LINE_AA)
        return
    margin = math.ceil(2 * height)
    canvas = Image.new("L", (math.ceil(font.getlength(text)) + 2 * margin, 2 * margin))
    ImageDraw.Draw(canvas).text((margin, margin), text, fill=255, font=font, anchor="ls")
    x, y = left - margin, base - margin  # of the canvas in the image, which may crop it
    rows = slice(max(0, y), min(image.shape[0], y + canvas.height))
    columns = slice(max(0, x), min(image.shape[1], x + canvas.width))
    part = image[rows, columns]
    cover = np.asarray(canvas, np.float32)[rows.start - y :, columns.start - x :]
    opacity = cover[: part.shape[0], : part.shape[1], None] / 255
    part[:] = np.round(part + opacity * (np.array(color, np.float32) - part))


def shortened(text: str, width: int, height: float) -> str:
    """Shorten `text` to `width` pixels, with dots at the end; "" if not even these fit."""
    if text_size(text, height)[0] <= width:
        return text
    low, high = -1, len(text)  # letters that fit, and letters that do not
    while high - low > 1:
        middle = (low + high) // 2
        if text_size(text[:middle].rstrip() + "...", height)[0] <= width:
            low = middle
        else:
            high = middle
    return text[:low].rstrip() + "..." if low >= 0 else ""


def transliterated(text: str) -> str:
    """Transliterate to ASCII; "?" for letters without a counterpart.

    >>> transliterated("Größe à 5 €"), transliterated("猫")
    ('Grosse a 5 ?', '?')
    """
    plain = unicodedata.normalize("NFKD", text.translate(_ASCII))
    return "".join(
        letter if letter.isascii() else "?"
        for letter in plain
        if not unicodedata.category(letter).startswith(("M", "C"))
    )


def _written(text: str, height: float) -> tuple[str, Any]:
    """Return the text to write and a font that has its letters; None for OpenCV's font."""
    if text.isascii():
        return text, None
    text = unicodedata.normalize("NFC", text)
    size = max(6, round(height / _CAPITAL))
    for name in ("", *_FONTS):
        font = _font(name, size)
        if font is not None and all(_has(name, letter) for letter in set(text)):
            return text, font
    return transliterated(text), None


@lru_cache(maxsize=64)
def _font(name: str, size: int) -> Any:
    """Load a TrueType font, Pillow's default for ""; None if it is not installed."""
    try:
        font = ImageFont.truetype(name, size) if name else ImageFont.load_default(size)
    except (OSError, TypeError, ImportError):  # TypeError: Pillow before 10.1 has it in one size
        return None
    return font if isinstance(font, ImageFont.FreeTypeFont) else None


@lru_cache(maxsize=4096)
def _has(name: str, letter: str) -> bool:
    """Whether a font has a letter: it differs from the glyph of a letter that no font has."""
    font = _font(name, 20)
    if letter.isspace():
        return True
    return bytes(font.getmask(letter)) != bytes(font.getmask("\U0010fffe"))
