"""Which classes a picture shows, out of the objects that are marked in it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

UNKNOWN = -1


def labels_of(classes: Sequence[int], difficult: Sequence[bool], count: int) -> np.ndarray:
    """(count,) int64: 1 where a class has an object, 0 where it has none.

    -1 (unknown) where all its objects are difficult: the classification task of PASCAL VOC counts
    such a picture neither as one that shows the class nor as one that does not.

    >>> labels_of([2, 0, 0], [True, True, False], 4).tolist()
    [1, 0, -1, 0]

    Args:
        classes: class index of each object.
        difficult: of each object.
        count: number of classes.
    """
    labels = np.zeros(count, np.int64)
    for index, unsure in zip(classes, difficult):
        if not unsure:
            labels[index] = 1
        elif labels[index] == 0:
            labels[index] = UNKNOWN
    return labels
