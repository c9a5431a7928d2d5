"""A matrix that is mostly zero, as LibSVMIter reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class CSRArray:
    """Matrix in compressed sparse row format.

    >>> sparse = CSRArray(np.float32([5, 6, 7]), np.array([1, 0, 2]), np.array([0, 1, 3]), 4)
    >>> sparse.shape, np.asarray(sparse[1:]).tolist()
    ((2, 4), [[6.0, 0.0, 7.0, 0.0]])

    Attributes:
        values: (n,) stored elements.
        columns: (n,) column of each element.
        starts: (rows + 1,) index of the first element of each row; the last entry is n.
        width: number of columns of the matrix.
    """

    values: np.ndarray
    columns: np.ndarray
    starts: np.ndarray
    width: int

    ndim = 2

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns)."""
        return len(self.starts) - 1, self.width

    @property
    def dtype(self) -> np.dtype[Any]:
        """dtype of the values."""
        return self.values.dtype

    def __getitem__(self, rows: slice) -> CSRArray:
        """Slice of consecutive rows."""
        first, last, _ = rows.indices(self.shape[0])
        starts = self.starts[first : max(first, last) + 1]
        part = slice(int(starts[0]), int(starts[-1]))
        return CSRArray(self.values[part], self.columns[part], starts - starts[0], self.width)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Convert to a dense array, a new one."""
        dense = np.zeros(self.shape, self.dtype)
        dense[np.repeat(np.arange(self.shape[0]), np.diff(self.starts)), self.columns] = self.values
        return dense if dtype is None else dense.astype(dtype)
