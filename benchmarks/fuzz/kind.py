"""What one kind of file needs: its folder, its changes, its reader, and another reader."""

from __future__ import annotations

import io
from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from fuzz.byte_changes import Change, change
from PIL import Image

SIZE = (24, 32)  # height and width of the pictures


class Kind:
    """A dataset of few samples, one file of which is changed.

    Attributes:
        name: of the kind.
        target: the file that is changed, below the folder of the dataset.
        told: other files that an error may name as well: an entry of a list is a file.
    """

    name = ""
    target = ""
    told: tuple[str, ...] = ()

    def clean(self) -> list[bytes]:
        """Contents of the file that are read."""
        raise NotImplementedError

    def structural(self) -> Change | None:
        """Changes that know what the file is."""
        return None

    def write(self, root: Path) -> None:
        """The other files of the dataset."""

    def open(self, root: Path) -> Any:
        """The dataset."""
        raise NotImplementedError

    def differs(self, data: bytes, dataset: Any, samples: Mapping[int, Any]) -> str | None:
        """Where what was read is not what another reader reads.

        Returns:
            "" if they agree; None if the other one does not read the file.
        """
        return None

    def changed(self, rng: Random) -> bytes:
        """One of the contents with one or two changes."""
        clean = self.clean()
        data = before = rng.choice(clean)
        structural = self.structural()
        for _ in range(rng.choice((1, 1, 1, 2))):
            if structural is not None and data == before and rng.random() < 0.6:
                data = structural(data, rng)
            else:
                data = change(data, rng)
        return data


def picture(seed: int = 0, size: tuple[int, int] = SIZE, smooth: bool = True) -> np.ndarray:
    """(H, W, 3) uint8; smooth ones survive lossy formats."""
    rng = np.random.default_rng(seed)
    height, width = size
    if not smooth:
        return rng.integers(0, 256, (height, width, 3), np.uint8)
    rows, columns = np.mgrid[:height, :width]
    shift = rng.integers(0, 60, 3)
    planes = [(rows * 5 + k) % 200 if i % 2 else (columns * 4 + k) for i, k in enumerate(shift)]
    return np.stack(planes, axis=2).astype(np.uint8)


def encoded(image: Any, kind: str, **settings: Any) -> bytes:
    """A picture's file."""
    buffer = io.BytesIO()
    made = image if isinstance(image, Image.Image) else Image.fromarray(image)
    made.save(buffer, kind, **settings)
    return buffer.getvalue()


def write_picture(path: Path, seed: int = 0) -> None:
    """A picture that is not changed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encoded(picture(seed), "PNG"))


def unlike(name: str, found: Any, expected: Any, tolerance: float = 0.0) -> str:
    """What differs between two arrays or values; "" if nothing does."""
    if isinstance(expected, np.ndarray):
        found = np.asarray(found)
        if found.shape != expected.shape:
            return f"{name}: shape {found.shape}, another reader has {expected.shape}"
        if not np.allclose(found, expected, rtol=1e-6, atol=tolerance, equal_nan=True):
            return f"{name}: {found.ravel()[:6]}..., another reader has {expected.ravel()[:6]}..."
        return ""
    return (
        "" if found == expected else f"{name}: {found!r:.80}, another reader has {expected!r:.80}"
    )
