"""Image files without annotations, as a dataset."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np

from densefit.data.io.image import read_image
from densefit.data.sample import Sample
from densefit.datasets.files.pictures import pictures_below
from densefit.errors import DataError
from densefit.tools.report.file_names import FileNames

# Formats that cv2 writes without loss, or as small as the original; others become PNG.
WRITTEN_AS_GIVEN = (".jpg", ".jpeg", ".png")
_STAND_IN = np.full((32, 32, 3), 128, np.uint8)


class Pictures:
    """Images among files and folders, with unique names.

    The name of a file is its last part; that of a file in a folder is its path below the folder.
    If two names, or the files that are written for them, are equal, the later one gets a number.

    An unreadable image is replaced by a grey sample, so that the others are predicted.

    Args:
        given: files and folders.
        files: name of an image -> all files that are written for it; by default the name.

    Attributes:
        paths: name -> file.
        folders: folders that were searched.
        failed: name -> reason, of images that could not be read.

    Raises:
        DataError: a path is missing, or a folder has no image.
    """

    def __init__(
        self,
        texts: Sequence[str],
        files: Callable[[str], Iterable[str]] = lambda name: [name],
    ) -> None:
        self.classes: list[str] = []
        self.paths: dict[str, Path] = {}
        self.folders: list[Path] = []
        self.failed: dict[str, str] = {}
        self._file_names = FileNames(files)
        for text in texts:
            path = Path(text)
            if path.is_dir():
                self.folders.append(path)
                relative_paths = sorted(map(Path, pictures_below(path)))
                if not relative_paths:
                    raise DataError("There is no image in the folder", where=path)
                for relative in relative_paths:
                    self._add(path / relative, relative)
            elif path.is_file():
                self._add(path, Path(path.name))
            else:
                raise DataError("There is no such file or folder", where=path)
        self._names = list(self.paths)

    def _add(self, path: Path, name: Path) -> None:
        suffix = name.suffix.lower()
        if suffix not in WRITTEN_AS_GIVEN:
            suffix = ".png"
        unique_name = self._file_names.take(name.with_suffix("").as_posix(), suffix)
        self.paths[unique_name] = path

    def __repr__(self) -> str:
        return f"Pictures({len(self)} files)"

    def __len__(self) -> int:
        return len(self._names)

    def id_of(self, index: int) -> str:
        """Name of an image."""
        return self._names[index]

    def image(self, name: str) -> np.ndarray | None:
        """Read (H, W, 3) uint8 RGB in its EXIF orientation; None if it is unreadable."""
        try:
            return read_image(self.paths[name])
        except (DataError, OSError, MemoryError) as error:
            reason = error.what if isinstance(error, DataError) else str(error)
            self.failed[name] = reason or type(error).__name__
            return None

    def __getitem__(self, index: int) -> Sample:
        name = self._names[index]
        image = self.image(name)
        return Sample(name, _STAND_IN if image is None else image, {})
