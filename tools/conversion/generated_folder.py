"""Write a folder of generated, labelled pictures, to try densefit without data of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from densefit.data.sample import Dataset
from densefit.data.subset import Subset
from densefit.datasets.shapes import Shapes
from densefit.errors import ConfigError

from .convert import WRITERS, convert
from .labelimg_writer import WHOLE, LabelImgWriter

_SIZE = (192, 256)  # height and width, pixels
_PART = 0.15  # of the pictures, in the splits for validation and test


@dataclass
class GeneratedFolder:
    """A folder of pictures with circles, squares and triangles, and their labels.

    Args:
        pictures: new folder that is written.
        count: number of pictures.
        seed: another seed, other pictures.
        to: labelimg (XML files beside the pictures), coco, voc, yolo, mask_folder or record; the
            shapes have faces where the layout keeps keypoints.
    """

    pictures: str = "pictures"
    count: int = 20
    seed: int = 0
    to: str = "labelimg"


def write_folder(settings: GeneratedFolder) -> str:
    """Write the pictures; returns what was written, as a line.

    Raises:
        ConfigError: an unknown layout, no pictures, or a folder that is not empty.
    """
    if settings.count < 1:
        raise ConfigError("No pictures to write", received=f"--count {settings.count}")
    kind = WRITERS.get(settings.to)
    has_keypoints = kind is not None and "keypoints" in kind.holds
    shapes = Shapes(settings.count, _SIZE, settings.seed, "picture", keypoints=has_keypoints)
    out = Path(settings.pictures)
    convert(_splits(shapes, settings.to), settings.to, out, lossy=True)
    names = ", ".join(shapes.classes)
    return f"{settings.count} pictures with labels ({names}) in {out}: layout {settings.to}"


def _splits(shapes: Shapes, layout: str) -> dict[str, Dataset]:
    """The pictures by split, 70 %, 15 % and 15 %; as a whole where the layout needs no splits."""
    count = len(shapes)
    part = round(_PART * count)
    if layout == LabelImgWriter.name or not part:
        return {WHOLE: shapes}
    edges = {"train": (0, count - 2 * part), "val": (count - 2 * part, count - part)}
    edges["test"] = (count - part, count)
    return {
        split: Subset(shapes, list(range(*ends)), f"{split} of {shapes}")
        for split, ends in edges.items()
    }
