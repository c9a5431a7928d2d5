"""Tell pixel coordinates from coordinates that are normalized to 0..1."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

import numpy as np

#: If no coordinate exceeds it, they may be normalized; some datasets slightly exceed 1.
PARTS = 1.5
_LOOKED_AT = 24  # other samples that are probed
_ALIKE = 3  # images with nothing but one-pixel boxes at the corner: not by chance
_MANY = 8  # longer side in pixels from which on normalized coordinates can be recognized

#: Called only if one image does not decide.
Elsewhere = Callable[[], Iterator[np.ndarray]]


def are_parts(coordinates: np.ndarray, size: tuple[int, int], elsewhere: Elsewhere) -> bool:
    """Whether the coordinates of an image, and so of its dataset, are normalized to 0..1.

    One coordinate that is too large, in this image or another, means that all are pixels.

    Args:
        coordinates: finite coordinates of the image.
        size: (height, width) of the image.
        elsewhere: returns the coordinates of other images.
    """
    if coordinates.size == 0 or coordinates.max() > PARTS or max(size) < _MANY:
        return False
    images, whole = 0, True
    for values in chain((coordinates,), elsewhere()):
        if values.size == 0:
            continue
        if values.max() > PARTS:
            return False
        images += 1
        whole = whole and bool((values == np.rint(values)).all())
    return not whole or images >= _ALIKE


def elsewhere_in(
    dataset: Any, index: int, name: str, select: Callable[[np.ndarray], np.ndarray]
) -> Elsewhere:
    """Iterate over a target's coordinates in other readable samples, spread over a dataset.

    Args:
        dataset: anything with `len` and `[]`.
        index: index of the sample to leave out.
        name: name of the target.
        select: selects the coordinates from the target's values.
    """

    def each() -> Iterator[np.ndarray]:
        for other in range(0, len(dataset), max(1, len(dataset) // _LOOKED_AT)):
            if other == index:
                continue
            try:
                coordinates = select(np.asarray(dataset[other].targets[name], np.float64))
                yield coordinates[np.isfinite(coordinates)]
            except Exception:  # a broken sample is reported when it is read
                continue

    return each


def alone() -> Iterator[np.ndarray]:
    """Coordinates of no other image."""
    return iter(())
