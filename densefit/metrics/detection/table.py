"""Table of named columns that grows by blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from densefit.errors import CheckpointError


class Table:
    """Named columns of equal length, appended to without copying.

    Args:
        columns: name -> (shape of one row, dtype).
    """

    def __init__(self, columns: Mapping[str, tuple[tuple[int, ...], Any]]) -> None:
        self._columns = dict(columns)
        self._blocks: list[dict[str, np.ndarray]] = []

    def clear(self) -> None:
        """Remove all rows."""
        self._blocks = []

    def append(self, **block: Any) -> None:
        """Add n rows, given as one array for each column."""
        self._blocks.append(
            {
                name: np.array(block[name], dtype).reshape((-1, *shape))
                for name, (shape, dtype) in self._columns.items()
            }
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all rows in the order added, one array for each column."""
        if len(self._blocks) != 1:
            whole = {
                name: np.concatenate(
                    [np.empty((0, *shape), dtype), *(block[name] for block in self._blocks)]
                )
                for name, (shape, dtype) in self._columns.items()
            }
            self._blocks = [whole]
        return dict(self._blocks[0])

    def state(self) -> dict[str, Any]:
        """Return the state for `load`: arrays, and lists for columns of Python objects."""
        return {
            name: column.tolist() if column.dtype == object else column
            for name, column in self.arrays().items()
        }

    def load(self, state: Mapping[str, Any], where: str) -> None:
        """Replace all rows by the rows of a state.

        Raises:
            CheckpointError: a column is missing, or the columns differ in length.
        """
        missing = sorted(set(self._columns) - set(state))
        if missing:
            raise CheckpointError(
                "A stored table lacks columns", received=f"no {', '.join(missing)}", where=where
            )
        self.clear()
        self.append(**state)
        lengths = {len(column) for column in self._blocks[0].values()}
        if len(lengths) > 1:
            raise CheckpointError(
                "The columns of a stored table differ in length",
                received=sorted(lengths),
                where=where,
            )
