"""Predictions as the body of an answer: JSON in full precision, or a drawn PNG."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from densefit.model.heads.head import Head
from densefit.model.network import Network
from densefit.tools.predicting.selection import classes_of
from densefit.tools.report.pictures import drawn


def as_json(network: Network, image: np.ndarray, predictions: Mapping[str, Any]) -> bytes:
    """{"size": [height, width], "predictions": {head: ...}} as bytes.

    Numbers have all their digits. Maps of classes are PNG files in base64, other maps and vectors
    of pixels `.npy` files.
    """
    content = {
        "size": list(image.shape[:2]),
        "predictions": {
            head.name: prediction_json(predictions[head.name], head) for head in network.heads
        },
    }
    return json.dumps(content, allow_nan=False).encode()


def as_png(network: Network, image: np.ndarray, predictions: Mapping[str, Any]) -> bytes:
    """The image with all heads' predictions drawn on it."""
    return _png(cv2.cvtColor(drawn(network, image, dict(predictions)), cv2.COLOR_RGB2BGR))


def prediction_json(prediction: Any, head: Head) -> Any:
    """A head's prediction as JSON values; see `as_json`."""
    names = [str(name) for name in classes_of(head)]
    if isinstance(prediction, dict):
        fields = {name: _value(value) for name, value in prediction.items()}
        if names and "classes" in fields:
            fields["classes"] = [names[int(label)] for label in prediction["classes"]]
        return fields
    array = np.asarray(prediction)
    if names and array.shape == (len(names),):
        probabilities = dict(zip(names, array.tolist()))
        return {"class": names[int(array.argmax())], "probabilities": probabilities}
    if array.ndim < 2:
        return array.tolist()
    return {**_file(array), "classes": names} if names else _file(array)


def _value(value: Any) -> Any:
    """A field of a prediction: a map of ids as a file, other arrays as lists."""
    if isinstance(value, np.ndarray) and value.ndim == 2 and value.dtype.kind in "iu":
        return _file(value)
    return value.tolist() if isinstance(value, np.ndarray) else value


def _file(array: np.ndarray) -> dict[str, str]:
    """An array of pixels as a file in base64."""
    if array.dtype == np.uint8 and array.ndim == 2:
        return {"png": base64.b64encode(_png(array)).decode()}
    file = io.BytesIO()
    np.save(file, array, allow_pickle=False)
    return {"npy": base64.b64encode(file.getvalue()).decode()}


def _png(array: np.ndarray) -> bytes:
    encoded, data = cv2.imencode(".png", array)
    if not encoded:
        raise OSError("cannot encode a PNG")
    return data.tobytes()
