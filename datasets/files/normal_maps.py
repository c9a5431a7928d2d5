"""Maps of surface normals that are stored as colours."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from densefit.data.io.value_image import read_triples
from densefit.errors import ConfigError, DataError

from .picture_size import check_map_size

#: What comes out shorter or longer is no normal: mid grey (0), black and white (1.73).
SHORTEST, LONGEST = 0.5, 1.5


class NormalsReader:
    """Reads pictures whose red, green and blue are (n + 1) / 2 of a normal's x, y and z.

    In 8 bits so are the maps of NYUv2 and PASCAL-Context that Maninis et al. published ("Attentive
    Single-Tasking of Multiple Tasks", CVPR 2019), and those of Taskonomy (Zamir et al., CVPR 2018);
    renderers write 16 bits too. x points to the right. z stays as it is: to the camera or away
    from it, always the same.

    Where nothing is known files are mid grey (a vector of length 0), black or white: whatever is
    far from length 1 is unknown.

    Args:
        y: where a large green value points, "down" or "up" in the picture.

    Raises:
        ConfigError: another direction.
    """

    def __init__(self, y: str = "down") -> None:
        if y not in ("down", "up"):
            raise ConfigError(
                "The y of normals points down or up",
                expected="'down' or 'up'",
                received=repr(y),
                where="normals_y",
            )
        self._up = y == "up"

    def __call__(self, path: Path, image_path: Path, size: tuple[int, int]) -> np.ndarray:
        """(H, W, 3) float32 vectors of length 1, x right and y down; zero where unknown.

        Args:
            path: the map.
            image_path: its picture, for the message.
            size: (height, width) of the picture.

        Raises:
            DataError: the map is broken, grey, or of another size.
        """
        values = read_triples(path)
        check_map_size("A map of normals", values.shape[:2], size, path, image_path)
        if values.dtype not in (np.uint8, np.uint16):
            raise DataError(
                "A map of normals is not one of whole numbers",
                expected="8 or 16 bits",
                received=values.dtype,
                where=path,
            )
        normals = decoded(values)
        if self._up:
            normals[..., 1] *= -1
        return normals


def decoded(values: np.ndarray) -> np.ndarray:
    """Vectors of length 1 out of colours; zero where a colour is that of no vector.

    >>> decoded(np.array([[255, 128, 128], [127, 127, 127]], np.uint8)).round(2).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]

    Args:
        values: (..., 3) uint8 or uint16.

    Returns:
        (..., 3) float32.
    """
    vectors = values.astype(np.float32) * np.float32(2 / np.iinfo(values.dtype).max) - 1
    length = np.sqrt(np.square(vectors).sum(axis=-1, keepdims=True))
    is_vector = (length > SHORTEST) & (length < LONGEST)
    normals: np.ndarray = np.divide(vectors, length, out=np.zeros_like(vectors), where=is_vector)
    return normals
