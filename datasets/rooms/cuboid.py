"""Boxes along the axes of a room, of which furniture is made."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

_CORNERS = np.array([[i >> 2 & 1, i >> 1 & 1, i & 1] for i in range(8)], bool)


@dataclass(frozen=True)
class Cuboid:
    """A box with faces along the axes.

    Attributes:
        low: (3,) its lowest x, y and z in metres.
        high: (3,) its highest.
        colour: (3,) RGB in [0, 1].
        shine: (3,) of light of its own, for windows.
    """

    low: np.ndarray
    high: np.ndarray
    colour: np.ndarray
    shine: np.ndarray = field(default_factory=lambda: np.zeros(3))

    def corners(self) -> np.ndarray:
        """(8, 3) in metres."""
        return np.where(_CORNERS, self.high, self.low)


@dataclass(frozen=True)
class Thing:
    """An object of some cuboids.

    Attributes:
        kind: name of its class.
        parts: its cuboids.
    """

    kind: str
    parts: tuple[Cuboid, ...]
