"""Rows of the label with the boxes of an image. Numpy only."""

from __future__ import annotations

import numpy as np

from densefit.errors import DataError

#: In place of a class: a difficult box, a crowd, and a row without a box.
IGNORED, CROWD, NO_BOX = -1, -2, -3
#: Area of a box or an anchor in a crowd from which it is no background.
CROWD_SHARE = 0.5


def truth_rows(columns: np.ndarray, limit: int, where: str) -> np.ndarray:
    """Boxes with an area, padded to `limit` rows: (limit, 5 or more) float32.

    Args:
        columns: (n, 5 or more) [x1, y1, x2, y2, class or a code below 0, ...].
        limit: number of rows.
        where: sample and head, for the error.

    Raises:
        DataError: there are more boxes.
    """
    solid = columns[(columns[:, 2:4] > columns[:, :2]).all(axis=1)]
    if len(solid) > limit:
        raise DataError(
            "An image has more boxes than the labels have rows",
            expected=f"at most {limit}",
            received=len(solid),
            where=where,
            fix=f"give the head max_boxes={len(solid)} or more",
        )
    rows = np.zeros((limit, columns.shape[1]), np.float32)
    rows[:, 4] = NO_BOX
    rows[: len(solid)] = solid
    return rows
