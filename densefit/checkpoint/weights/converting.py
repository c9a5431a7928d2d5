"""Arrays of another system's file as densefit's layers need them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from densefit.checkpoint.weights.maps.name_map import Convert, NameMap

_SCALE, _VARIANCE = "_bn_gamma", "_bn_moving_var"
_COLOURS = 3


def converted(
    arrays: Mapping[str, np.ndarray], table: NameMap, backbone: str
) -> dict[str, np.ndarray]:
    """Apply the conversions of a table.

    A norm computes x / sqrt(variance + eps) * scale. Where the file's eps is another than ours, the
    scale is multiplied by sqrt((variance + ours) / (variance + theirs)): the results are the same.

    Args:
        arrays: parameter -> array of the file.
        table: names of the layout.
        backbone: prefix of the parameters.
    """
    result = dict(arrays)
    for layer, convert in table.convert.items():
        name = f"{backbone}_{layer}"
        if name in result:
            result[name] = apply(convert, result[name])
    for name in arrays if table.eps is not None else ():
        variance = arrays.get(name.removesuffix(_SCALE) + _VARIANCE)
        if name.endswith(_SCALE) and variance is not None and table.eps is not None:
            result[name] = _rescaled(arrays[name], variance, *table.eps)
    return result


def apply(convert: Convert, array: np.ndarray) -> np.ndarray:
    """Convert an array; one of a shape that cannot be converted stays, and is refused later."""
    try:
        return convert(array)
    except (ValueError, IndexError):
        return array


def _rescaled(scale: np.ndarray, variance: np.ndarray, theirs: float, ours: float) -> np.ndarray:
    if scale.shape != variance.shape:
        return scale
    with np.errstate(all="ignore"):  # that the numbers are finite is checked later
        factor = np.sqrt((variance.astype(np.float64) + ours) / (variance + theirs))
        return np.asarray(scale * factor, np.float32)


def with_channels_turned(kernel: np.ndarray) -> np.ndarray:
    """Turn the weights (N, C, h, w) of the layer that reads the image from BGR to RGB.

    A layer that reads several cells at once, C = 3 n, has the colours of each together.
    """
    outputs, channels, *sides = kernel.shape
    cells = kernel.reshape(outputs, channels // _COLOURS, _COLOURS, *sides)
    return np.ascontiguousarray(cells[:, :, ::-1].reshape(kernel.shape))
