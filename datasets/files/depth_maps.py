"""Depth maps in files: numbers of some unit to metres."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from densefit.data.io.value_image import read_values
from densefit.errors import ConfigError, DataError
from densefit.once import first_time

from .picture_size import check_map_size

logger = logging.getLogger(__name__)

MILLIMETRES = 0.001
_LOOKED_AT = 5
_MOST = 65535  # of 16 bits
# Medians of rooms, streets and endoscopes lie within; one outside has a wrong scale.
_NEAREST, _FARTHEST = 0.02, 1000.0


class DepthReader:
    """Reads depth maps: grey PNGs or TIFFs, 0 where nothing is known.

    65535 in maps of 16 bits, which often means the same, is read as a depth, with a warning.

    Args:
        scale: metres a unit. None: millimetres, as maps of 16 bits have them; others need it to
            be stated.

    Raises:
        ConfigError: a scale that is none.
    """

    def __init__(self, scale: float | None) -> None:
        if scale is not None and not 0 < scale < float("inf"):
            raise ConfigError(
                "The scale of depths must be metres a unit",
                expected="above 0, 0.001 for millimetres",
                received=scale,
                where="DepthFolder",
            )
        self.scale = scale

    def __call__(self, path: Path, image_path: Path, size: tuple[int, int]) -> np.ndarray:
        """(H, W) float32 metres, 0 where unknown.

        Args:
            path: the map.
            image_path: its picture, for the message.
            size: (height, width) of the picture.

        Raises:
            DataError: the map is broken or of another size, or its units are unknown.
        """
        values = read_values(path)
        check_map_size("A depth map", values.shape, size, path, image_path)
        return self._metres(values, path)

    def median(self, paths: Sequence[Path]) -> float | None:
        """The median of the known depths of a few maps, in metres; it is logged.

        Broken maps are left to their own samples. A median that no scene has is warned of.

        Args:
            paths: of all maps.

        Returns:
            The median; None where nothing is known.

        Raises:
            DataError: the units of the maps are unknown.
        """
        chosen = sorted({round(i * (len(paths) - 1) / (_LOOKED_AT - 1)) for i in range(_LOOKED_AT)})
        parts = [np.zeros(0, np.float32)]
        for path in (paths[index] for index in chosen):
            try:
                values = read_values(path)
            except DataError:  # raised when the sample is read
                continue
            depth = self._metres(values, path)
            parts.append(depth[depth > 0])
        depths = np.concatenate(parts)
        if not len(depths):
            return None
        median = float(np.median(depths))
        usual = _NEAREST <= median <= _FARTHEST
        logger.log(
            logging.INFO if usual else logging.WARNING,
            "The median of the depths in %s is %.4g m%s",
            paths[chosen[0]].parent,
            median,
            "" if usual else f": is scale={self.scale or MILLIMETRES} metres a unit?",
        )
        return median

    def _tell_most(self, values: np.ndarray, scale: float, path: Path) -> None:
        """Warn, once a folder, of the largest value of 16 bits: sensors write it for "invalid"."""
        if first_time("largest depth", str(path.parent)):
            logger.warning(
                "%s: %.3g %% of the depths are %d, the largest value of 16 bits, and count as "
                "%.4g m. If it means that nothing is known, write 0 there. Said once a folder",
                *(path, 100 * float((values == _MOST).mean()), _MOST, _MOST * scale),
            )

    def _metres(self, values: np.ndarray, path: Path) -> np.ndarray:
        """Metres, 0 where unknown. Raises DataError if the units are unknown."""
        scale = self.scale
        if scale is None:
            if values.dtype.kind == "f" or values.dtype.itemsize == 1:
                largest = np.max(values, initial=0, where=np.isfinite(values))
                raise DataError(
                    "The units of a depth map are unknown",
                    expected="16 bits, which are taken for millimetres, or a stated scale",
                    received=f"{values.dtype}, values up to {largest:.4g}",
                    where=path,
                    fix="scale=1 if these are metres, scale=0.001 if they are millimetres",
                )
            scale = MILLIMETRES
        if values.dtype == np.uint16 and values.size and values.max() == _MOST:
            self._tell_most(values, scale, path)
        depth = values.astype(np.float32) * np.float32(scale)
        return np.where(np.isfinite(depth) & (depth > 0), depth, np.float32(0))
