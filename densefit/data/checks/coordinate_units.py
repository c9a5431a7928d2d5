"""Whether coordinates near the corner of a picture are pixels, or parts of the picture's sides."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import numpy as np

#: Coordinates that all end here may be parts of the sides; some of those reach a little beyond 1.
PARTS = 1.5
_LOOKED_AT = 24  # further samples
_ALIKE = 3  # pictures whose only boxes are of one pixel at the corner: that is no chance
_MANY = 8  # pixels of a picture's longer side from which on parts can be told from pixels

#: Asked for only where one picture does not tell.
Elsewhere = Callable[[], Iterator[np.ndarray]]


def are_parts(own: np.ndarray, size: tuple[int, int], elsewhere: Elsewhere) -> bool:
    """Whether the coordinates of a picture, and with them a dataset's, are parts of the sides.

    One coordinate that no part can be, in this picture or another one, makes all of them pixels.

    Args:
        own: finite coordinates of the picture.
        size: (height, width) of it.
        elsewhere: gives those of other pictures.
    """
    if own.size == 0 or own.max() > PARTS or max(size) < _MANY:
        return False
    pictures, whole = 0, True
    for places in chain((own,), elsewhere()):
        if places.size == 0:
            continue
        if places.max() > PARTS:
            return False
        pictures += 1
        whole = whole and bool((places == np.rint(places)).all())
    return not whole or pictures >= _ALIKE


def elsewhere_in(
    dataset: Any, index: int, name: str, places: Callable[[np.ndarray], np.ndarray]
) -> Elsewhere:
    """The coordinates of a target in other samples, spread over a dataset, that can be read.

    Args:
        dataset: anything with `len` and `[]`.
        index: of the sample that is left out.
        name: of the target.
        places: takes the coordinates out of its values.
    """

    def each() -> Iterator[np.ndarray]:
        for other in range(0, len(dataset), max(1, len(dataset) // _LOOKED_AT)):
            if other == index:
                continue
            try:
                found = places(np.asarray(dataset[other].targets[name], np.float64))
                yield found[np.isfinite(found)]
            except Exception:  # a broken sample is reported when it is read
                continue

    return each


def alone() -> Iterator[np.ndarray]:
    """No other picture."""
    return iter(())
