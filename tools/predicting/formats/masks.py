"""Predicted label maps as PNG: class indices, or their colours."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np

from densefit.errors import writing
from densefit.tools.predicting.pipeline import Result
from densefit.tools.report.predictions_json import map_files
from densefit.visualize.style import color_of

from .writer import Writer, stem_of

_VOID = 255


class Masks(Writer):
    """`<image>.<head>.png`, whose pixels are class indices; of panoptic heads segment ids, 16 bit.

    Other maps are `<image>.<head>.npy`, float32.
    """

    _count = 0

    @staticmethod
    def names(key: str, heads: Sequence[str]) -> list[str]:
        return [name for head in heads for name in map_files(key, head)]

    def add(self, result: Result) -> None:
        for head in self.network.heads:
            array = map_of(result.predictions[head.name])
            if array is None:
                continue
            self._count += 1
            picture, numbers = map_files(result.item.key, head.name)
            if array.dtype.kind != "f":
                _write_png(self, picture, array.astype(np.uint8 if array.max() < 256 else "u2"))
                continue
            with writing(self.out / numbers):
                (self.out / numbers).parent.mkdir(parents=True, exist_ok=True)
                np.save(self.out / numbers, array)

    def finish(self) -> list[str]:
        return [f"{self._count} maps"] if self._count else []


class ColorMasks(Writer):
    """`<image>.<head>.color.png`: the colour of each pixel's class; void is black.

    The colours are those of drawings; colours of segments follow their ids.
    """

    _count = 0

    @staticmethod
    def names(key: str, heads: Sequence[str]) -> list[str]:
        return [f"{stem_of(key)}.{head}.color.png" for head in heads]

    def add(self, result: Result) -> None:
        for head in self.network.heads:
            array = map_of(result.predictions[head.name])
            if array is None or array.dtype.kind == "f":
                continue
            self._count += 1
            values, positions = np.unique(array, return_inverse=True)
            void = _VOID if array.dtype == np.uint8 else 0
            colors = np.array([(0, 0, 0) if v == void else color_of(int(v)) for v in values])
            picture = colors[positions.reshape(array.shape)].astype(np.uint8)
            _write_png(self, self.names(result.item.key, [head.name])[0], picture[..., ::-1])

    def finish(self) -> list[str]:
        return [f"{self._count} coloured masks"] if self._count else []


def map_of(prediction: Any) -> np.ndarray | None:
    """The (H, W) map of a prediction: classes, segment ids or numbers; None if it has none."""
    array = prediction.get("map") if isinstance(prediction, dict) else prediction
    return array if isinstance(array, np.ndarray) and array.ndim == 2 else None


def _write_png(writer: Writer, name: str, array: np.ndarray) -> None:
    path = writer.out / name
    path.parent.mkdir(parents=True, exist_ok=True)
    encoded, data = cv2.imencode(".png", array)
    if not encoded:
        raise OSError(f"cannot write {path}")
    with writing(path):
        path.write_bytes(data.tobytes())
