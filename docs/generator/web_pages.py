"""Pictures of web pages in headless Chromium, cut to a height and small as files."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from tests.browser import Browser

_COLORS = 256  # a palette takes a third of the bytes, and letters stay sharp


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser that is closed behind the block."""
    opened = Browser()
    try:
        yield opened
    finally:
        opened.close()


def picture_of(page: Browser, top: int = 0, height: int | None = None) -> Image.Image:
    """A picture of an open page from `top` on, of `height` CSS pixels or to its end."""
    whole = io.BytesIO(page.picture())
    image = Image.open(whole).convert("RGB")
    bottom = image.height if height is None else min(image.height, top + height)
    return image.crop((0, top, image.width, bottom))


def top_of(page: Browser, selector: str) -> int:
    """Pixels above an element of an open page."""
    script = (
        "return Math.round(document.querySelector(arguments[0]).getBoundingClientRect().top"
        " + window.scrollY)"
    )
    return int(page.run(script, selector))


def write(image: Image.Image, path: Path, colors: int = _COLORS) -> None:
    """Write a PNG with a palette."""
    path.parent.mkdir(parents=True, exist_ok=True)
    reduced = image.quantize(colors, kmeans=2, dither=Image.Dither.NONE)
    reduced.save(path, optimize=True)
