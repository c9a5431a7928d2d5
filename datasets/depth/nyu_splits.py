"""Numbers of NYU Depth v2's labelled pictures in a split."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from densefit.data.io.regular_file import check_regular
from densefit.datasets.files.names import read_lines
from densefit.errors import DataError, MissingPackageError, MissingSplitError

FILE = "splits.mat"
#: Split -> its array in splits.mat.
_ARRAYS = {"train": "trainNdxs", "val": "testNdxs", "test": "testNdxs"}


def split_numbers(folder: Path, split: str | None, count: int) -> list[int]:
    """Numbers from 1 on: of `<folder>/<split>.txt`, one a line, or of the official splits.mat.

    Args:
        folder: of the lists.
        split: name of a list; "train", or "val" or "test" of splits.mat; None: all numbers.
        count: the highest number there may be.

    Raises:
        DataError: there is no such split, or a list has no numbers, others, or one twice.
        MissingPackageError: SciPy, which reads splits.mat, is not installed.
    """
    if split is None:
        return list(range(1, count + 1))
    path = folder / f"{split}.txt"
    if path.is_file():
        words = read_lines(path)
        wrong = [word for word in words if not (word.isascii() and word.isdecimal())]
        numbers = [int(word) for word in words if word not in wrong]
    elif split in _ARRAYS and (folder / FILE).is_file():
        path, wrong = folder / FILE, []
        numbers = _official(path, _ARRAYS[split])
    else:
        raise MissingSplitError(
            f"There is no list of the split {split!r}",
            expected=f"{path}, a number from 1 to {count} a line, or {folder / FILE}",
            where=folder,
            fix="splits.mat is published beside the data: train, and val or test; or split: null "
            "for all pictures",
        )
    wrong += [str(number) for number in numbers if not 1 <= number <= count]
    different = len(set(numbers))
    if wrong or not numbers or different < len(numbers):
        raise DataError(
            "A split is no list of pictures",
            expected=f"numbers from 1 to {count}, each once",
            received=", ".join(wrong[:5]) or f"{len(numbers)} numbers, {different} different",
            where=path,
        )
    return numbers


def _official(path: Path, name: str) -> list[int]:
    check_regular(path, "The file of splits")
    try:
        from scipy.io import loadmat
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            f"Reading {path.name} needs the package SciPy, which is not installed",
            fix='pip install "densefit[nyu]", or write the numbers into train.txt and val.txt',
        ) from error
    try:
        return [int(number) for number in np.ravel(loadmat(path, variable_names=[name])[name])]
    except Exception as error:  # of a broken file, anything
        raise DataError(
            f"The file of splits cannot be read: {error or type(error).__name__}",
            expected=f"a file of MATLAB with {name}",
            where=path,
        ) from error
