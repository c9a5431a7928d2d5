"""Images to draw scored samples on: photographs, or blank canvases."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from densefit.data.io.image import read_image
from densefit.datasets.files.boxes import check_size
from densefit.datasets.files.pictures import is_picture, pictures_below
from densefit.errors import DataError
from densefit.tools.report.pictures import LARGEST, SMALLEST
from densefit.visualize.fitted import Fitted

_CANVAS = 225  # light grey: drawings are darker or coloured


class Photographs:
    """Read the photograph of each sample.

    Args:
        folder: folder of the photographs, searched recursively; None draws on blank canvases.
        names: sample -> name of its photograph in the folder, with or without an extension.

    Raises:
        DataError: the folder or a photograph is missing.
    """

    def __init__(self, folder: str | Path | None, names: Mapping[str, str]) -> None:
        self._paths: dict[str, Path] = {}
        if folder is None:
            return
        by_stem = {_stem(path): path for path in tree(Path(folder))}
        lacking = [key for key, name in names.items() if _stem(Path(name)) not in by_stem]
        if lacking:
            raise DataError(
                f"{len(lacking)} of {len(names)} samples have no photograph",
                expected=f"an image {names[lacking[0]]!r} for the sample {lacking[0]!r}",
                received=f"{len(by_stem)} images, such as {min(by_stem)!r}" if by_stem else "none",
                where=folder,
                fix="another --images folder, or leave --images out",
            )
        self._paths = {
            key: Path(folder) / by_stem[_stem(Path(name))] for key, name in names.items()
        }

    def __bool__(self) -> bool:
        """Whether the source has photographs."""
        return bool(self._paths)

    def __call__(self, key: str, size: tuple[int, int]) -> np.ndarray:
        """(H, W, 3) uint8 RGB of the (height, width) that a sample's annotations belong to.

        Raises:
            DataError: the photograph is broken, or of another size.
        """
        if key not in self._paths:
            return np.full((*size, 3), _CANVAS, np.uint8)
        path = self._paths[key]
        image = read_image(path)
        if image.shape[:2] != size:  # annotated without its EXIF orientation?
            image = read_image(path, exif=False)
        check_size(size, (image.shape[0], image.shape[1]), path, f"sample {key!r}")
        return image

    def fitted(self, key: str, size: tuple[int, int]) -> tuple[np.ndarray, Fitted]:
        """Image in the size of a drawing, and the transform of annotations to that size."""
        fitted = Fitted.within(size, SMALLEST, LARGEST)
        if key not in self._paths:
            return np.full((*fitted.drawn, 3), _CANVAS, np.uint8), fitted
        return fitted.image(self(key, size)), fitted


def _stem(path: Path) -> str:
    return path.with_suffix("").as_posix() if is_picture(path.name) else path.as_posix()


def tree(folder: Path) -> list[Path]:
    """List the image files in a folder recursively, as sorted relative paths.

    Raises:
        DataError: the folder is missing.
    """
    if not folder.is_dir():
        raise DataError("There is no such folder", where=folder)
    return sorted(map(Path, pictures_below(folder)))
