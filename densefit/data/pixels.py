"""Convert images of datasets to (H, W, 3) uint8, if the conversion is unambiguous."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from densefit.errors import DataError

_CHANNELS = (1, 3, 4)
#: Pillow modes with 8-bit colours, or palettes of them.
_MODES = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "HSV", "La")


def as_array(image: Any) -> np.ndarray:
    """Convert an image to an array: a Pillow image to RGB, a nested list, a tensor.

    Raises:
        DataError: the image is not an array of numbers.
    """
    if getattr(image, "mode", None) in _MODES and hasattr(image, "convert"):
        return np.asarray(image.convert("RGB"))  # palette indices are not colours
    array = np.asarray(image)
    if array.dtype.kind not in "buif" or array.ndim < 2:
        raise DataError(
            "The image of a sample is not an image array",
            expected="a (height, width, 3) uint8 array, RGB",
            received=f"{type(image).__qualname__}" + (f" {image!r}"[:80] if array.ndim < 2 else ""),
            fix="read it: densefit.data.io.image.read_image(path)",
        )
    return array


def rgb(image: np.ndarray) -> np.ndarray:
    """Convert an image to (H, W, 3) uint8: grey gets three equal channels, alpha is dropped.

    Other integer dtypes are converted if the values fit. Floats are refused, since they may range
    to 1 or to 255.

    Raises:
        DataError: the image has another shape or dtype.
    """
    if image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3 and image.size:
        return image
    grey = image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 1)
    if not image.size or not (grey or (image.ndim == 3 and image.shape[2] in (3, 4))):
        raise _refusal(image, _layout_fix(image))
    if image.dtype != np.uint8:
        low, high = image.min(), image.max()
        if image.dtype.kind not in "iu" or image.itemsize == 2 or not 0 <= low <= high <= 255:
            raise _refusal(image, _type_fix(image))
        image = image.astype(np.uint8)
    if grey:
        plane = np.ascontiguousarray(image.reshape(image.shape[:2]))
        return np.asarray(cv2.cvtColor(plane, cv2.COLOR_GRAY2RGB))
    return np.ascontiguousarray(image[:, :, :3])


def _refusal(image: np.ndarray, fix: str | None) -> DataError:
    values = f", values {image.min():g} to {image.max():g}" if image.size else ""
    return DataError(
        "The image of a sample is not one that can be read in one way",
        expected="(height, width, 3) uint8, RGB; grey, or with alpha as a fourth channel",
        received=f"{image.shape} {image.dtype}{values}",
        fix=fix,
    )


def _layout_fix(image: np.ndarray) -> str | None:
    if image.ndim == 3 and image.shape[0] in _CHANNELS:
        return "the channels come last: image.transpose(1, 2, 0)"
    return None


def _type_fix(image: np.ndarray) -> str:
    if image.dtype == np.uint16 or image.dtype == np.int16:
        return "of 16 bits: (image >> 8).astype(np.uint8)"
    if image.dtype.kind == "f" and image.min() >= 0 and image.max() <= 1:
        return "of 0 to 1: np.rint(image * 255).astype(np.uint8)"
    if image.dtype.kind == "f" and image.min() >= 0 and image.max() <= 255:
        return "of 0 to 255: np.rint(image).astype(np.uint8)"
    if image.dtype == bool:
        return "of black and white: image * np.uint8(255)"
    return (
        "give the colours as they were before a mean and a deviation were taken off: the "
        "network does that itself"
    )
