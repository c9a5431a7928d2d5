"""Depth maps as metrics receive them: with a mask or not, with a channel or not."""

from __future__ import annotations

from typing import Any

import numpy as np

from densefit.errors import DataError
from densefit.metrics.core.arrays import host
from densefit.metrics.dense.valid_maps import map_and_mask


def depth_and_valid(target: Any, key: str) -> tuple[np.ndarray, np.ndarray | None]:
    """A true map (H, W), and the mask of its valid pixels; None if all are.

    Args:
        target: the map, or {"depth": map, "valid": mask}.
        key: the sample's id, for errors.
    """
    depth, valid = map_and_mask(target, "depth", "(H, W)", key)
    mask = None if valid is None else plane(valid, "valid mask", key)
    return plane(depth, "truth", key), mask


def plane(values: Any, what: str, key: str) -> np.ndarray:
    """Read (H, W) or (1, H, W) numbers as (H, W).

    Raises:
        DataError: they have another shape, or are no numbers.
    """
    array = np.asarray(host(values))
    if array.ndim == 3 and array.shape[0] == 1:
        array = array[0]
    if array.ndim != 2 or array.dtype.kind not in "biuf":
        raise DataError(
            f"A {what} of depth is not a map of numbers",
            expected="shape (H, W)",
            received=f"shape {array.shape}, dtype {array.dtype}",
            where=f"sample {key!r}",
        )
    return array
