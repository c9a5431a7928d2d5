"""Average the maps of several views on the device, at the size of the original image."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from densefit.data.loader.views import View
from densefit.engine import array_module
from densefit.model.host_arrays import to_numpy
from densefit.model.tta.view_merger import Merger


class MapMerger(Merger):
    """Mean at each pixel over the windows that show it, flipped or not, then over scales.

    Every scale has the same weight at every pixel, however many windows show it. Maps stay on the
    device until `result`.

    Args:
        size: (height, width) of the original image.
        output: name of the head's view output: (1, C, H, W) at input size.
        finish: computes the prediction from the (C, H, W) mean. None: the mean is the prediction.
        negated: channels whose sign changes in a flipped view: x components of vectors.
        has_channels: whether the output has the axis of channels; False: (1, H, W).
    """

    def __init__(
        self,
        size: tuple[int, int],
        output: str,
        finish: Callable[[np.ndarray], np.ndarray] | None = None,
        negated: Sequence[int] = (),
        has_channels: bool = True,
    ) -> None:
        self._size, self._output = size, output
        self._finish, self._negated = finish, tuple(negated)
        self._has_channels = has_channels
        self._canvases: dict[tuple[int, int], tuple[Any, np.ndarray]] = {}

    def mirrored(self, maps: Any) -> Any:
        """Flip (C, H, W) maps of a flipped view back."""
        flipped = array_module(maps).flip(maps, 2)
        for channel in self._negated:
            flipped[channel : channel + 1] = -flipped[channel : channel + 1]
        return flipped

    def add(self, outputs: Mapping[str, Any], view: View) -> None:
        """Add the maps of a view."""
        maps = outputs[self._output]
        maps = maps[0] if self._has_channels else maps  # (C, H, W)
        if view.mirrored:
            maps = self.mirrored(maps)
        if view.scaled not in self._canvases:
            canvas = array_module(maps).zeros((maps.shape[0], *view.scaled), like=maps)
            self._canvases[view.scaled] = canvas, np.zeros(view.scaled, np.float32)
        canvas, counts = self._canvases[view.scaled]
        (top, bottom), (left, right) = (
            (max(0, start), min(whole, start + window))
            for start, whole, window in zip(view.corner, view.scaled, view.input_size)
        )
        y, x = view.corner
        part = maps[:, top - y : bottom - y, left - x : right - x]
        canvas[:, top:bottom, left:right] = canvas[:, top:bottom, left:right] + part
        counts[top:bottom, left:right] += 1

    def mean(self) -> Any:
        """Mean (C, H, W) on the device, at the size of the original."""
        total: Any = None
        for canvas, counts in self._canvases.values():
            if counts.min() != counts.max():
                canvas = canvas / array_module(canvas).to_device(counts[None], like=canvas)
            elif counts.flat[0] != 1:
                canvas = canvas / float(counts.flat[0])
            resized = resample(canvas, self._size)
            total = resized if total is None else total + resized
        return total / float(len(self._canvases)) if len(self._canvases) > 1 else total

    def result(self) -> np.ndarray:
        """Return the prediction at the size of the original."""
        mean = to_numpy(self.mean())
        return mean if self._finish is None else self._finish(mean)


class ClassMapMerger(MapMerger):
    """Take the class with the highest mean at each pixel; a byte per pixel leaves the device."""

    def result(self) -> np.ndarray:
        """(H, W) uint8 classes at the size of the original."""
        mean = self.mean()
        classes: np.ndarray = array_module(mean).argmax(mean)
        return classes


def resample(maps: Any, size: tuple[int, int]) -> Any:
    """Resample (C, h, w) maps on the device to (C, H, W), bilinearly.

    Pixels are areas, not points: the edges of the two maps coincide (`align_corners=False`).
    """
    for axis, length in zip((1, 2), size):
        old = maps.shape[axis]
        if old == length:
            continue
        position = ((np.arange(length) + 0.5) * (old / length) - 0.5).clip(0, old - 1)
        low = np.floor(position)
        shape = [1, 1, 1]
        shape[axis] = length
        device = array_module(maps)
        weight = device.to_device((position - low).reshape(shape), like=maps)
        first, second = (
            device.take(maps, indices, axis) for indices in (low, np.minimum(low + 1, old - 1))
        )
        maps = first * (1 - weight) + second * weight
    return maps
