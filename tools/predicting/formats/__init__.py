"""Files that predictions are written to: a file a format."""

from __future__ import annotations

from collections.abc import Sequence

from densefit.errors import ConfigError
from densefit.registry import nearest

from .coco_results import CocoResults
from .crops import Crops
from .drawings import Drawings
from .json_lines import JsonLines
from .masks import ColorMasks, Masks
from .voc_xml import VocXml
from .writer import Context, Writer
from .yolo_text import YoloText

__all__ = ["DEFAULT", "FORMATS", "Context", "Writer", "check_formats", "names_of"]

#: Name on the command line -> writer.
FORMATS: dict[str, type[Writer]] = {
    "drawn": Drawings,
    "json": JsonLines,
    "coco": CocoResults,
    "voc": VocXml,
    "yolo": YoloText,
    "masks": Masks,
    "color_masks": ColorMasks,
    "crops": Crops,
}
DEFAULT = ("drawn", "json")


def check_formats(names: Sequence[str]) -> None:
    """Raise ConfigError for a name that is no format, or for none."""
    if not names:
        raise ConfigError("Nothing is to be written", expected=list(FORMATS), where="--save")
    for name in names:
        if name not in FORMATS:
            raise ConfigError(
                f"Predictions have no format {name!r}",
                expected=list(FORMATS),
                where="--save",
                fix=nearest(name, FORMATS),
            )


def names_of(key: str, heads: Sequence[str], formats: Sequence[str]) -> list[str]:
    """Names of all files that may be written for an image, below the output folder."""
    return [name for kind in formats for name in FORMATS[kind].names(key, heads)]
