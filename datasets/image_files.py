"""Image files without annotations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from densefit.data.io.image import read_image
from densefit.data.sample import Sample, datasets
from densefit.datasets.files.pictures import pictures_below
from densefit.errors import DataError


@datasets.register("image_files")
class ImageFiles:
    """Images among files and folders, to predict on.

    Args:
        paths: image files, and folders that are searched with all below them. A file's id is its
            path as it is written here; that of a file in a folder is its path below the folder.

    Attributes:
        files: id -> file.

    Raises:
        DataError: a path is missing, a folder holds no image, or two images have the same id.
    """

    def __init__(self, paths: Sequence[str | Path]) -> None:
        self.classes: list[str] = []
        self.files: dict[str, Path] = {}
        for path in map(Path, paths):
            if path.is_dir():
                names = pictures_below(path)
                if not names:
                    raise DataError("There is no picture in the folder", where=path)
                for name in names:
                    self._add(name, path / name)
            elif path.is_file():
                self._add(str(path), path)
            else:
                raise DataError("There is no such file or folder", where=path)
        self._ids = list(self.files)

    def _add(self, key: str, file: Path) -> None:
        if key in self.files:
            raise DataError(
                "Two images have the same id",
                received=f"{self.files[key]} and {file}",
                fix="predict on each folder by itself",
            )
        self.files[key] = file

    def __repr__(self) -> str:
        return f"ImageFiles({len(self)} files)"

    def __len__(self) -> int:
        return len(self._ids)

    def id_of(self, index: int) -> str:
        """The id of an image."""
        return self._ids[index]

    def __getitem__(self, index: int) -> Sample:
        key = self._ids[index]
        return Sample(key, read_image(self.files[key]), {})
