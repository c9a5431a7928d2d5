"""Masks of drivable area and of lanes, in BDD100K's numbers and in YOLOP's."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from densefit.data.io.image import read_image
from densefit.data.io.index_image import read_mask
from densefit.datasets.files.picture_size import check_map_size
from densefit.errors import DataError

#: Of the published masks of drivable area.
_DIRECT, _ALTERNATIVE, _BACKGROUND = 0, 1, 2
#: The bit of the published masks of lanes that says that there is none.
_NO_LANE = 8


class StreetMaskReader:
    """Reads masks of one kind.

    Published masks of drivable area have 0 for the lane of the car (direct), 1 for others
    (alternative) and 2 for the rest; those of lanes have bits for kind, style and direction, of
    which bit 3 is set where there is no lane. YOLOP's have 0 for the rest.

    Args:
        kind: "drivable" or "lanes".
        simple: whether they are YOLOP's.
        apart: whether direct and alternative area are classes of their own.
    """

    def __init__(self, kind: str, simple: bool, apart: bool) -> None:
        self.kind, self.simple, self.apart = kind, simple, apart

    def __call__(self, path: Path, image_path: Path, size: tuple[int, int]) -> np.ndarray:
        """(H, W) uint8 class indices, 0 for the background.

        Args:
            path: the mask.
            image_path: its picture, for the message.
            size: (height, width) of the picture.

        Raises:
            DataError: the mask is broken, of another size, or has values of no class.
        """
        if self.simple:  # grey or in colours; 1 is what a mask that was smoothed has at its edge
            values = read_image(path, False).max(axis=2)
        else:
            values = read_mask(path)
        check_map_size("A mask", values.shape, size, path, image_path)
        if self.simple:
            return (values > 1).astype(np.uint8)
        if self.kind == "lanes":
            return ((values & _NO_LANE) == 0).astype(np.uint8)
        if values.max(initial=0) > _BACKGROUND:
            raise DataError(
                "A mask of drivable area has values of no class",
                expected=f"{_DIRECT} direct, {_ALTERNATIVE} alternative, {_BACKGROUND} background",
                received=f"up to {values.max()}",
                where=path,
                fix="read the files of labels/drivable/masks, not those of colormaps",
            )
        table = np.array([1, 2 if self.apart else 1, 0], np.uint8)
        return np.asarray(table[values])
