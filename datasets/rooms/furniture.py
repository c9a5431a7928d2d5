"""Furniture of boxes: each kind as a function that draws one of random size and colour.

Pieces stand at a wall: u is along it, v away from it, h above the floor, in metres.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Generator = np.random.Generator


@dataclass(frozen=True)
class Block:
    """A box of a piece: from (u, v, h) to (u, v, h), with an RGB colour in [0, 1] and shine."""

    low: tuple[float, float, float]
    high: tuple[float, float, float]
    colour: np.ndarray
    shine: float = 0.0


@dataclass(frozen=True)
class Piece:
    """A piece of furniture: its class, its extent (u, v) on the floor, and its boxes.

    Attributes:
        kind: name of the class.
        extent: metres along the wall and away from it.
        blocks: its boxes.
        top: height of the surface that smaller things may stand on; None: nothing stands on it.
    """

    kind: str
    extent: tuple[float, float]
    blocks: tuple[Block, ...]
    top: float | None = None


def wood(rng: Generator) -> np.ndarray:
    """A brown, from dark to light, or white."""
    if rng.random() < 0.2:
        return np.full(3, rng.uniform(0.75, 0.95))
    return np.asarray(np.array([0.62, 0.42, 0.26]) * rng.uniform(0.5, 1.3))


def cloth(rng: Generator) -> np.ndarray:
    """Any colour, softened."""
    return np.asarray(0.25 + 0.6 * rng.random(3))


def _legs(
    length: float, width: float, height: float, thick: float, colour: np.ndarray
) -> list[Block]:
    ends = [(0.0, thick), (length - thick, length)]
    sides = [(0.0, thick), (width - thick, width)]
    return [Block((u, v, 0), (u2, v2, height), colour) for u, u2 in ends for v, v2 in sides]


def bed(rng: Generator) -> Piece:
    """A mattress, its head at the wall, and pillows."""
    length, width, height = rng.uniform(1.0, 1.8), rng.uniform(1.9, 2.1), rng.uniform(0.4, 0.6)
    frame, sheet = wood(rng), cloth(rng)
    blocks = [
        Block((0, 0.06, 0), (length, width, height - 0.18), frame),
        Block((0.03, 0.06, height - 0.18), (length - 0.03, width - 0.03, height), sheet),
        Block((0, 0, 0), (length, 0.06, height + rng.uniform(0.3, 0.6)), frame),
        Block((0.12, 0.08, height), (length - 0.12, 0.45, height + 0.12), 0.5 + 0.5 * sheet),
    ]
    return Piece("bed", (length, width), tuple(blocks))


def sofa(rng: Generator) -> Piece:
    """A seat with back and arms."""
    length, width, seat = rng.uniform(1.4, 2.3), rng.uniform(0.75, 0.95), rng.uniform(0.38, 0.46)
    colour, back, arm = cloth(rng), rng.uniform(0.75, 0.9), rng.uniform(0.14, 0.2)
    blocks = [
        Block((arm, 0, 0), (length - arm, width, seat), colour),
        Block((0, 0, 0), (length, 0.2, back), colour * 0.92),
        Block((0, 0, 0), (arm, width, seat + 0.2), colour * 0.96),
        Block((length - arm, 0, 0), (length, width, seat + 0.2), colour * 0.96),
    ]
    return Piece("sofa", (length, width), tuple(blocks))


def chair(rng: Generator) -> Piece:
    """A seat on four legs, its back on the side of the wall."""
    side, seat, colour = rng.uniform(0.4, 0.48), rng.uniform(0.42, 0.48), wood(rng)
    blocks = [
        Block((0, 0, seat - 0.05), (side, side, seat), colour),
        Block((0, 0, seat), (side, 0.05, seat + rng.uniform(0.35, 0.5)), colour * 0.95),
        *_legs(side, side, seat - 0.05, 0.05, colour * 0.8),
    ]
    return Piece("chair", (side, side), tuple(blocks))


def table(rng: Generator) -> Piece:
    """A top on four legs."""
    length, width, height = rng.uniform(0.9, 1.7), rng.uniform(0.6, 0.95), rng.uniform(0.68, 0.78)
    colour = wood(rng)
    top = Block((0, 0, height - 0.05), (length, width, height), colour)
    legs = _legs(length, width, height - 0.05, 0.07, colour * 0.8)
    return Piece("table", (length, width), (top, *legs), height)


def furniture(rng: Generator) -> Piece:
    """A cupboard with a darker line between its doors."""
    length, width, height = rng.uniform(0.5, 1.4), rng.uniform(0.35, 0.6), rng.uniform(0.7, 2.0)
    colour = wood(rng)
    blocks = [
        Block((0, 0, 0), (length, width, height), colour),
        Block(
            (length / 2 - 0.015, width, 0.08),
            (length / 2 + 0.015, width + 0.01, height - 0.05),
            colour * 0.5,
        ),
    ]
    return Piece("furniture", (length, width + 0.01), tuple(blocks), height)


def tv(rng: Generator) -> Piece:
    """A dark screen on a foot."""
    length, height = rng.uniform(0.7, 1.1), rng.uniform(0.42, 0.62)
    dark = np.full(3, rng.uniform(0.03, 0.1))
    blocks = [
        Block((0, 0.1, 0.06), (length, 0.15, 0.06 + height), dark),
        Block((length * 0.35, 0.05, 0), (length * 0.65, 0.2, 0.06), dark + 0.1),
    ]
    return Piece("tv", (length, 0.25), tuple(blocks))


def books(rng: Generator) -> Piece:
    """Some books in a row or in a pile."""
    blocks, at = [], 0.0
    is_pile = rng.random() < 0.5
    for _ in range(int(rng.integers(2, 5))):
        thick, colour = rng.uniform(0.03, 0.07), 0.1 + 0.8 * rng.random(3)
        if is_pile:
            blocks.append(Block((0, 0, at), (0.28, 0.2, at + thick), colour))
        else:
            blocks.append(Block((at, 0, 0), (at + thick, 0.2, rng.uniform(0.2, 0.3)), colour))
        at += thick
    return Piece("books", (0.28 if is_pile else at, 0.2), tuple(blocks))


def small_box(rng: Generator) -> Piece:
    """A box of any colour: whatever stands about."""
    side, height = rng.uniform(0.12, 0.4), rng.uniform(0.12, 0.45)
    return Piece("objects", (side, side), (Block((0, 0, 0), (side, side, height), rng.random(3)),))


def painting(rng: Generator) -> Piece:
    """A picture in a frame, flat at the wall."""
    length, height, frame = rng.uniform(0.4, 1.1), rng.uniform(0.35, 0.8), wood(rng) * 0.6
    blocks = [
        Block((0, 0, 0), (length, 0.03, height), frame),
        Block((0.05, 0.03, 0.05), (length - 0.05, 0.035, height - 0.05), rng.random(3)),
        Block(
            (0.1, 0.035, 0.05),
            (rng.uniform(0.2, length - 0.06), 0.04, height * rng.uniform(0.3, 0.7)),
            rng.random(3),
        ),
    ]
    return Piece("painting", (length, 0.04), tuple(blocks))


def window(rng: Generator) -> Piece:
    """A bright pane with a cross of bars."""
    length, height = rng.uniform(0.8, 1.6), rng.uniform(0.9, 1.3)
    bar, sky = np.full(3, 0.9), np.array([0.55, 0.7, 0.9]) * rng.uniform(0.8, 1.1)
    middle, half = length / 2, height / 2
    blocks = [
        Block((0, 0, 0), (length, 0.02, height), sky, rng.uniform(0.3, 0.5)),
        Block((middle - 0.03, 0.02, 0), (middle + 0.03, 0.04, height), bar),
        Block((0, 0.02, half - 0.03), (length, 0.04, half + 0.03), bar),
    ]
    return Piece("window", (length, 0.04), tuple(blocks))


#: Pieces that stand on the floor at a wall, on a surface, and hang at a wall.
STANDING: dict[str, Callable[[Generator], Piece]] = {
    "bed": bed,
    "sofa": sofa,
    "chair": chair,
    "table": table,
    "furniture": furniture,
    "objects": small_box,
}
SMALL: dict[str, Callable[[Generator], Piece]] = {"books": books, "objects": small_box, "tv": tv}
HANGING: dict[str, Callable[[Generator], Piece]] = {"painting": painting, "window": window}
