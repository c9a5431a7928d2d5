"""Geometric transforms as moves, which Compose can join into one.

A transform that changes where things are, by the picture's size and chance alone, says so as a
list of moves. Each interpolation costs time and sharpness, so that moves in a row that hold a
general map (a rotation, say) become one warp, if the result is the same: nothing that a move cut
away may come back into the picture. Rows of crops, resizes and mirrors stay as they are: a crop is
a view, and resizing it takes less time than a warp of the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from densefit.data.geometry.image_ops import GREY, Fill, crop, mirror, resize, turn
from densefit.data.geometry.warp import warp
from densefit.data.homography import move_boxes, project, square
from densefit.data.sample import Sample

_SLACK = 1e-3  # pixels that rounding may take


@dataclass(frozen=True)
class Move:
    """One move of a picture.

    Attributes:
        matrix: (3, 3), from pixels before to pixels after.
        size: (height, width) after.
        name: "crop", "resize", "mirror", "turn" or "warp": what does it fastest if it is alone.
        fill: colour where there is no picture; None if that cannot be.
    """

    matrix: np.ndarray
    size: tuple[int, int]
    name: str = "warp"
    fill: Fill | None = None

    def __call__(self, sample: Sample) -> Sample:
        """The sample after this move alone."""
        height, width = self.size
        fill = GREY if self.fill is None else self.fill
        if self.name == "crop":
            left, top = (-self.matrix[:2, 2]).astype(int).tolist()
            return crop(sample, left, top, width, height, fill)
        if self.name == "resize":
            return resize(sample, height, width)
        if self.name == "mirror":
            return mirror(sample, vertical=bool(self.matrix[1, 1] < 0))
        if self.name == "turn":
            return turn(sample, _quarters(self.matrix))
        return warp(sample, self.matrix, height, width, fill)


class Geometric:
    """A transform that is moves, drawn by the picture's size and chance alone."""

    def moves(self, size: tuple[int, int], rng: np.random.Generator) -> list[Move]:
        """What happens to a picture of `size` (height, width)."""
        raise NotImplementedError(f"{type(self).__name__}.moves")

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """The sample after its moves."""
        height, width = sample.image.shape[:2]
        return moved_by(sample, self.moves((height, width), rng))


def cropping(left: int, top: int, width: int, height: int, fill: Fill = GREY) -> Move:
    """The move to a window of whole pixels."""
    matrix = np.array([[1.0, 0.0, -left], [0.0, 1.0, -top], [0.0, 0.0, 1.0]])
    return Move(matrix, (height, width), "crop", fill)


def resizing(size: tuple[int, int], height: int, width: int) -> Move:
    """The move that stretches a picture of `size` to `height` x `width`."""
    return Move(np.diag([width / size[1], height / size[0], 1.0]), (height, width), "resize")


def mirroring(size: tuple[int, int], vertical: bool = False) -> Move:
    """The move that swaps left and right, or top and bottom."""
    height, width = size
    matrix = np.diag([1.0, -1.0, 1.0] if vertical else [-1.0, 1.0, 1.0])
    matrix[:2, 2] = (0, height) if vertical else (width, 0)
    return Move(matrix, size, "mirror")


def turning(size: tuple[int, int], quarters: int) -> Move:
    """The move by quarter turns, counter-clockwise."""
    matrix = np.eye(3)
    for _ in range(quarters % 4):
        matrix = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, size[1]], [0.0, 0.0, 1.0]]) @ matrix
        size = size[::-1]
    return Move(matrix, size, "turn")


def moved_by(sample: Sample, moves: Sequence[Move]) -> Sample:
    """The sample after moves in a row, as few interpolations as that takes."""
    height, width = sample.image.shape[:2]
    for move in joined((height, width), moves):
        sample = move(sample)
    return sample


def joined(size: tuple[int, int], moves: Sequence[Move]) -> list[Move]:
    """Moves that do the same to a picture of `size`, those that can be one warp as one.

    >>> third = resizing((30, 30), 10, 10)
    >>> [move.name for move in joined((30, 30), [Move(np.eye(3), (30, 30)), third])]
    ['warp']
    """
    if all(move.name != "warp" for move in moves):
        return list(moves)
    result: list[Move] = []
    start = 0
    while start < len(moves):
        end = start + 1
        while end < len(moves) and _is_one(size, moves[start : end + 1]):
            end += 1
        row = moves[start:end]
        # From its first warp back and forth; what has none is faster one by one.
        if len(row) > 1 and any(move.name == "warp" for move in row):
            result.append(_product(row))
            start = end
        else:
            result.append(row[0])
            start += 1
        size = result[-1].size
    return result


def _product(moves: Sequence[Move]) -> Move:
    matrix = np.eye(3)
    for move in moves:
        matrix = square(move.matrix) @ matrix
    fills = [move.fill for move in moves if move.fill is not None]
    return Move(matrix, moves[-1].size, "warp", fills[0] if fills else None)


def _is_one(size: tuple[int, int], moves: Sequence[Move]) -> bool:
    """Whether one warp by the product of moves shows what they do one after the other."""
    fills = [move.fill for move in moves if move.fill is not None]
    if any(fill != fills[0] for fill in fills):
        return False
    after = _product(moves)
    before, end = np.eye(3), _corners(after.size)
    for move in moves[:-1]:
        before = square(move.matrix) @ before
        whole = move_boxes(np.array([[0, 0, size[1], size[0]]]), before)[0]
        if _inside(whole.reshape(2, 2), move.size):
            continue  # this one cuts nothing away
        # What is shown in the end must lie in the window that was cut here.
        places = project(end, before @ np.linalg.inv(after.matrix))
        if not _inside(places, move.size):
            return False
    return True


def _inside(points: np.ndarray, size: tuple[int, int]) -> bool:
    height, width = size
    return bool((points >= -_SLACK).all() and (points <= np.add((width, height), _SLACK)).all())


def _corners(size: tuple[int, int]) -> np.ndarray:
    height, width = size
    return np.array([[0, 0], [width, 0], [0, height], [width, height]], np.float64)


def _quarters(matrix: np.ndarray) -> int:
    """0 to 3, of a matrix of quarter turns."""
    return {(1, 0): 0, (0, -1): 1, (-1, 0): 2, (0, 1): 3}[
        int(round(matrix[0, 0])), int(round(matrix[1, 0]))
    ]
