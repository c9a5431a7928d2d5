"""One JSON file of labelme, of any version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from densefit.data.io.image import decode_image
from densefit.data.io.image_header import stated_size
from densefit.data.io.image_limits import check_pixels
from densefit.datasets.files.bitmaps import decode_base64
from densefit.datasets.files.json_file import read_json
from densefit.errors import DataError


@dataclass(frozen=True)
class LabelFile:
    """What a file says.

    Attributes:
        path: of the file.
        image_path: of the image as the file names it; "" if it does not.
        size: (height, width); None where the file does not state it, as of older versions.
        shapes: as the file has them.
        flags: names of the image's flags that are true.
        has_image: whether the image is embedded.
    """

    path: Path
    image_path: str
    size: tuple[int, int] | None
    shapes: Sequence[Any]
    flags: tuple[str, ...]
    has_image: bool


def read_label_file(path: Path) -> LabelFile | None:
    """Read a file; None if it is JSON, but none of labelme: it has no `shapes`.

    Raises:
        DataError: it cannot be read, is no JSON, or a field is not usable.
    """
    content = read_json(path, "labelme annotations")
    if not isinstance(content, dict) or "shapes" not in content:
        return None
    shapes, flags = content["shapes"], content.get("flags") or {}
    if isinstance(flags, list):  # versions before 3.0
        flags = dict.fromkeys(map(str, flags), True)
    if not isinstance(shapes, list) or not isinstance(flags, dict):
        raise DataError(
            "An annotation file of labelme is not usable",
            expected='"shapes": [...] and "flags": {...}',
            received=f"{shapes!r:.60}, {flags!r:.60}",
            where=path,
        )
    image_path = content.get("imagePath")
    return LabelFile(
        path,
        image_path if isinstance(image_path, str) else "",
        _stated_size(content, path),
        shapes,
        tuple(str(name) for name, value in flags.items() if value is True),
        bool(content.get("imageData")),
    )


def embedded_image(path: Path) -> bytes:
    """The bytes of the image that a file embeds. Raises DataError if there is none."""
    content = read_json(path, "labelme annotations")
    data = content.get("imageData") if isinstance(content, dict) else None
    return decode_base64(data, "The embedded image (imageData)", path)


def embedded_size(path: Path, exif: bool) -> tuple[int, int]:
    """(height, width) of the image that a file embeds."""
    data = embedded_image(path)
    size = stated_size(data, exif)
    if size is None:
        image = decode_image(data, path, exif)
        size = (image.shape[0], image.shape[1])
    return size


def _stated_size(content: dict[str, Any], path: Path) -> tuple[int, int] | None:
    height, width = sides = content.get("imageHeight"), content.get("imageWidth")
    if height is None or width is None:
        return None
    if not all(type(side) is int and 0 < side < 1 << 24 for side in sides):
        raise DataError(
            "An annotation file states a size that no image has",
            expected="imageHeight and imageWidth in pixels",
            received=f"{sides!r:.80}",
            where=path,
        )
    check_pixels((height, width), path)
    return height, width
