"""Files of HDF5, as MATLAB 7.3 writes .mat: opened when they are read, once in each process."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from densefit.data.io.regular_file import check_regular
from densefit.errors import DataError, MissingPackageError


class HDF5File:
    """Reads arrays of a file, and parts of them.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._opened: tuple[int, Any] | None = None  # process, file

    def __getstate__(self) -> dict[str, Any]:
        """The path: another process opens the file itself."""
        return {"path": self.path, "_opened": None}

    def shape(self, name: str) -> tuple[int, ...]:
        """Shape of an array.

        Raises:
            DataError: the file has no such array, or is none of HDF5.
            MissingPackageError: h5py is not installed.
        """
        return tuple(self._array(name).shape)

    def read(self, name: str, index: int) -> np.ndarray:
        """One entry of an array, along its first axis.

        Raises:
            DataError: as of `shape`, or the file is broken there.
        """
        try:
            return np.asarray(self._array(name)[index])
        except (OSError, RuntimeError, ValueError) as error:
            raise self._broken(f"Entry {index} of {name!r}", error) from error

    def texts(self, name: str) -> list[str]:
        """Texts of a cell array of MATLAB.

        Raises:
            DataError: as of `shape`, or the array has none.
        """
        references = self._array(name)
        try:
            cells = [self._file()[reference][()] for reference in np.ravel(references[()])]
            return ["".join(chr(int(letter)) for letter in np.ravel(cell)) for cell in cells]
        except (OSError, RuntimeError, ValueError, TypeError, KeyError, OverflowError) as error:
            raise self._broken(f"The texts {name!r}", error) from error

    def _file(self) -> Any:
        if self._opened is None or self._opened[0] != os.getpid():
            self._opened = os.getpid(), _opened(self.path)
        return self._opened[1]

    def _array(self, name: str) -> Any:
        file = self._file()
        try:
            array = file[name]
        except (KeyError, OSError, RuntimeError):
            array = None
        if not hasattr(array, "shape"):
            raise DataError(
                f"The file has no array {name!r}",
                received=", ".join(sorted(file)) or "nothing",
                where=self.path,
            )
        return array

    def _broken(self, what: str, error: Exception) -> DataError:
        return DataError(f"{what} cannot be read: {error}", where=self.path)


def _opened(path: Path) -> Any:
    """The file of h5py."""
    check_regular(path, "The file")
    try:
        import h5py
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            f"Reading {path.name} needs the package h5py, which is not installed",
            fix='pip install "densefit[nyu]"',
        ) from error
    try:
        return h5py.File(path, "r")
    except (OSError, RuntimeError) as error:
        raise DataError(f"The file is none of HDF5: {error}", where=path) from error
