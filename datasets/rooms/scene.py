"""A furnished room: its size, its things and their places, drawn at random."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from .cuboid import Cuboid, Thing
from .furniture import HANGING, SMALL, STANDING, Piece

Generator = np.random.Generator

#: Kind of room -> what stands at its walls, with the probability of each; in this order.
ROOMS: Mapping[str, tuple[tuple[str, float], ...]] = {
    "bedroom": (("bed", 1.0), ("furniture", 0.9), ("chair", 0.4), ("furniture", 0.3)),
    "living room": (("sofa", 1.0), ("furniture", 0.9), ("sofa", 0.4), ("table", 0.4)),
    "dining room": (
        ("table", 1.0),
        ("chair", 1.0),
        ("chair", 0.9),
        ("chair", 0.7),
        ("furniture", 0.6),
    ),
    "study": (
        ("table", 1.0),
        ("chair", 1.0),
        ("furniture", 1.0),
        ("furniture", 0.7),
        ("sofa", 0.15),
    ),
}
#: Kind of room -> what stands on tables and cupboards.
_ON_TOP = {
    "bedroom": ("objects", "books"),
    "living room": ("tv", "objects", "books"),
    "dining room": ("objects", "objects"),
    "study": ("books", "books", "objects", "tv"),
}
_WALLS = ("left", "back", "right")
_TRIES = 12
_FREE = 0.75  # metres around the camera


@dataclass
class Scene:
    """A room and what is in it, in the world of `Camera`: y is 0 at the ceiling.

    Attributes:
        kind: of `ROOMS`.
        size: (3,) width, height and depth in metres.
        things: the objects.
        colours: "floor", "wall" and "ceiling" -> (3,) RGB in [0, 1].
        lamp: (3,) where the light is.
    """

    kind: str
    size: np.ndarray
    things: list[Thing]
    colours: dict[str, np.ndarray]
    lamp: np.ndarray
    _used: list[tuple[float, float, float, float]] = field(default_factory=list)

    def is_free(self, x: float, z: float, x2: float, z2: float) -> bool:
        """Whether nothing stands on this part of the floor."""
        return not any(x < c and x2 > a and z < d and z2 > b for a, b, c, d in self._used)

    def occupy(self, *rectangle: float) -> None:
        """Note a part of the floor (x, z, x, z) where something stands."""
        x, z, x2, z2 = rectangle
        self._used.append((x, z, x2, z2))


def draw_scene(rng: Generator, kind: str, eye: np.ndarray) -> Scene:
    """Draw a room of a kind.

    Args:
        rng: decides all.
        kind: of `ROOMS`.
        eye: (2,) x and z of the camera, as parts of the room's width and depth.
    """
    size = np.array([rng.uniform(3.0, 4.8), rng.uniform(2.4, 2.9), rng.uniform(3.2, 5.5)])
    warm = np.array([1.0, 0.97, 0.92])
    colours = {
        "floor": np.array([0.55, 0.42, 0.3]) * rng.uniform(0.6, 1.3) + rng.uniform(-0.08, 0.08, 3),
        "wall": warm * rng.uniform(0.6, 0.9) + rng.uniform(-0.12, 0.08, 3),
        "ceiling": warm * rng.uniform(0.85, 0.95),
    }
    lamp = size * (rng.uniform(0.3, 0.7), 0.08, rng.uniform(0.3, 0.7))
    scene = Scene(kind, size, [], colours, lamp)
    x, z = eye * size[[0, 2]]
    scene.occupy(x - _FREE, z - _FREE, x + _FREE, z + _FREE)
    for name, probability in ROOMS[kind]:
        if rng.random() < probability:
            _stand(rng, scene, STANDING[name](rng))
    for _ in range(int(rng.integers(0, 4))):
        _stand(rng, scene, STANDING["objects"](rng))
    for name in HANGING:
        for _ in range(int(rng.integers(0, 3))):
            _hang(rng, scene, HANGING[name](rng))
    return scene


def _stand(rng: Generator, scene: Scene, piece: Piece) -> None:
    """Put a piece at a wall where the floor is free, with small things on it; or leave it out."""
    for _ in range(_TRIES):
        wall = _WALLS[int(rng.integers(3))]
        along = scene.size[0 if wall == "back" else 2]
        if piece.extent[0] >= along:
            continue
        offset = rng.uniform(0, along - piece.extent[0])
        away = rng.uniform(0.02, 0.15) if rng.random() < 0.7 else rng.uniform(0.3, 1.2)
        position = _Position(wall, scene.size, offset, away, 0.0)
        (x, _, z), (x2, _, z2) = position.box((0, 0, 0), (*piece.extent, 1))
        inside = x >= 0 and z >= 0 and x2 <= scene.size[0] and z2 <= scene.size[2]
        if inside and scene.is_free(x, z, x2, z2):
            scene.occupy(x, z, x2, z2)
            scene.things.append(position.object_of(piece))
            if piece.top is not None and piece.top < 1.5:
                _put_on(rng, scene, piece, position)
            return


def _put_on(rng: Generator, scene: Scene, piece: Piece, position: _Position) -> None:
    """Put small things side by side on a piece."""
    at = 0.05
    for name in _ON_TOP[scene.kind]:
        small = SMALL[name](rng)
        fits = at + small.extent[0] < piece.extent[0] and small.extent[1] < piece.extent[1]
        if rng.random() < 0.7 and fits:
            away = position.away + rng.uniform(0, piece.extent[1] - small.extent[1])
            top = _Position(
                position.wall, position.room, position.offset + at, away, piece.top or 0.0
            )
            scene.things.append(top.object_of(small))
            at += small.extent[0] + rng.uniform(0.05, 0.3)


def _hang(rng: Generator, scene: Scene, piece: Piece) -> None:
    """Hang a piece at a wall, where no other hangs."""
    wall = _WALLS[int(rng.integers(3))]
    along = scene.size[0 if wall == "back" else 2]
    tall = max(block.high[2] for block in piece.blocks)
    room = scene.size[1] - 0.15 - tall
    if piece.extent[0] + 0.4 > along or room < 0.9:
        return
    position = _Position(
        wall,
        scene.size,
        rng.uniform(0.2, along - piece.extent[0] - 0.2),
        0.0,
        rng.uniform(0.9, room),
    )
    low, high = position.box((0, 0, 0), (*piece.extent, tall))
    for item in scene.things:
        for part in item.parts:
            if (part.low < high).all() and (part.high > low).all():
                return
    scene.things.append(position.object_of(piece))


@dataclass(frozen=True)
class _Position:
    """Where a piece is: at a wall, so far along it, away from it and above the floor."""

    wall: str
    room: np.ndarray
    offset: float
    away: float
    height: float

    def box(self, low: tuple[float, ...], high: tuple[float, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest (x, y, z) of a box that is given by (u, v, h)."""
        (u, v, h), (u2, v2, h2) = low, high
        width, tall, deep = self.room
        top, bottom = tall - self.height - h2, tall - self.height - h
        u, u2, v, v2 = u + self.offset, u2 + self.offset, v + self.away, v2 + self.away
        if self.wall == "back":
            return np.array([u, top, deep - v2]), np.array([u2, bottom, deep - v])
        if self.wall == "left":
            return np.array([v, top, u]), np.array([v2, bottom, u2])
        return np.array([width - v2, top, u]), np.array([width - v, bottom, u2])

    def object_of(self, piece: Piece) -> Thing:
        """The piece in the world."""
        parts = (
            Cuboid(*self.box(block.low, block.high), block.colour, np.full(3, block.shine))
            for block in piece.blocks
        )
        return Thing(piece.kind, tuple(parts))
