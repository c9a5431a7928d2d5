"""Predictions as JSON: arrays become lists, classes their names, maps files beside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from densefit.errors import writing
from densefit.model.heads.head import Head
from densefit.tools.formats.image_files import encode_png


def prediction_to_json(prediction: Any, head: Head, out: Path, key: str) -> Any:
    """Convert a head's prediction for an image to JSON values, and write its maps to files.

    The type of the prediction decides, not the task: a dict stays a dict, with class names for
    indices, and its integer maps are written as `.npy`; a uint8 map is written as
    `<image>.<head>.png`, whose pixels are class indices; another map as `.npy`; a vector with a
    value for each class becomes {"class": ..., "probabilities": {...}}.

    Args:
        prediction: result of the head's `decode`.
        head: head whose `classes`, if any, name the indices.
        out: folder of the files.
        key: name of the image in the folder.
    """
    names = list(getattr(head, "classes", ()))
    if isinstance(prediction, dict):
        fields: dict[str, Any] = {}
        for field, value in prediction.items():
            if isinstance(value, np.ndarray) and value.ndim == 2 and value.dtype.kind in "iu":
                fields[field] = _map_file(value, head, out, key)
            else:
                fields[field] = _listed(value)
        if names and "classes" in fields:
            fields["classes"] = [names[index] for index in fields["classes"]]
        return fields
    array = np.asarray(prediction)
    if array.ndim == 2:
        picture = out / map_files(key, head.name)[0]
        if array.dtype == np.uint8:
            with writing(picture):  # cv2.imwrite crashes at names that are no UTF-8
                picture.write_bytes(encode_png(array, key))
            return {"mask": picture.relative_to(out).as_posix(), "classes": names}
        return {"map": _map_file(array, head, out, key)}
    if names and array.shape == (len(names),):
        probabilities = dict(zip(names, _listed(array)))
        return {"class": names[int(array.argmax())], "probabilities": probabilities}
    return _listed(array)


def map_files(key: str, head: str) -> tuple[str, str]:
    """Names of the files of a head's map: of uint8 values, and of other values."""
    stem = Path(key).with_suffix("").as_posix()
    return f"{stem}.{head}.png", f"{stem}.{head}.npy"


def _map_file(array: np.ndarray, head: Head, out: Path, key: str) -> str:
    """Write a map as `.npy`; its path below `out`."""
    numbers = map_files(key, head.name)[1]
    with writing(out / numbers):
        np.save(out / numbers, array)
    return numbers


def _listed(value: Any) -> Any:
    """Convert to lists of Python numbers; floats with 6 digits, the precision of float32."""
    array = np.asarray(value)
    if array.dtype.kind == "f":
        return np.vectorize(lambda x: float(f"{x:.6g}"), otypes=[object])(array).tolist()
    return array.tolist()
