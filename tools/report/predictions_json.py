"""Predictions as JSON: arrays become lists, classes their names, maps files beside."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from densefit.errors import writing
from densefit.model.heads.head import Head


def plain_prediction(prediction: Any, head: Head, out: Path, key: str) -> Any:
    """One head's prediction of one picture, JSON-able.

    What it is decides, not which task: a dict stays one, with class indices named, and a map of
    whole numbers in it is written as `.npy`; a byte map is written as `<picture>.<head>.png`,
    whose pixels are class indices; another map as `.npy`; a vector with one number for each class
    becomes {"class": ..., "probabilities": {...}}.

    Args:
        prediction: what the head's `decode` gave.
        head: its `classes`, if it has any, name the indices.
        out: folder of the files.
        key: the picture's name in it.
    """
    names = list(getattr(head, "classes", ()))
    if isinstance(prediction, dict):
        found: dict[str, Any] = {}
        for field, value in prediction.items():
            if isinstance(value, np.ndarray) and value.ndim == 2 and value.dtype.kind in "iu":
                found[field] = _map_file(value, head, out, key)
            else:
                found[field] = _listed(value)
        if names and "classes" in found:
            found["classes"] = [names[index] for index in found["classes"]]
        return found
    array = np.asarray(prediction)
    if array.ndim == 2:
        picture = out / map_files(key, head.name)[0]
        if array.dtype == np.uint8:
            if not cv2.imwrite(str(picture), array):
                raise OSError(f"cannot write {picture}")
            return {"mask": picture.relative_to(out).as_posix(), "classes": names}
        return {"map": _map_file(array, head, out, key)}
    if names and array.shape == (len(names),):
        probabilities = dict(zip(names, _listed(array)))
        return {"class": names[int(array.argmax())], "probabilities": probabilities}
    return _listed(array)


def map_files(key: str, head: str) -> tuple[str, str]:
    """The files that a map of a head is written to: as bytes, or as other numbers."""
    stem = Path(key).with_suffix("").as_posix()
    return f"{stem}.{head}.png", f"{stem}.{head}.npy"


def _map_file(array: np.ndarray, head: Head, out: Path, key: str) -> str:
    """Writes a map as `.npy`; its place below `out`."""
    numbers = map_files(key, head.name)[1]
    with writing(out / numbers):
        np.save(out / numbers, array)
    return numbers


def _listed(value: Any) -> Any:
    """Lists of Python numbers; floats with 6 digits, which is what float32 holds."""
    array = np.asarray(value)
    if array.dtype.kind == "f":
        return np.vectorize(lambda x: float(f"{x:.6g}"), otypes=[object])(array).tolist()
    return array.tolist()
