"""What generated pictures are painted with: shapes, faces, colours and noise."""

from __future__ import annotations

import cv2
import numpy as np

# Where the parts of an upright face are, in parts of its shape's radius. A shape looks at us: its
# left is at our right.
FACE = {"nose": (0.0, 0.3), "left_eye": (0.25, -0.15), "right_eye": (-0.25, -0.15)}


def stamp(kind: int, radius: int, angle: float) -> np.ndarray:
    """(2 r + 1, 2 r + 1) uint8, 1 inside the shape; a square or triangle is turned by `angle`."""
    shape: np.ndarray = np.zeros((2 * radius + 1, 2 * radius + 1), np.uint8)
    if kind == 0:
        cv2.circle(shape, (radius, radius), radius, (1,), -1)
        return shape
    corners = 4 if kind == 1 else 3
    turns = np.arange(corners) / corners + (0.125 if kind == 1 else 0.75)
    turns = 2 * np.pi * turns + angle
    points = np.stack([np.cos(turns), np.sin(turns)], axis=1) * radius + radius
    cv2.fillPoly(shape, [np.rint(points).astype(np.int32)], (1,))
    return shape


def paint_face(image: np.ndarray, x: int, y: int, radius: int, angle: float) -> np.ndarray:
    """Paint the face of a shape around pixel (x, y); (K, 3) float32 where its parts are."""
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    parts = np.rint(np.array(list(FACE.values())) @ turn.T * radius).astype(int) + (x, y)
    eyes = (255 - image[y, x]).tolist()
    for (column, row), colour in zip(parts.tolist(), ([128] * 3, eyes, eyes)):
        cv2.circle(image, (column, row), radius // 7, colour, -1)
    return np.concatenate([parts + 0.5, np.full((len(parts), 1), 2.0)], axis=1).astype(np.float32)


def contrasting_colour(rng: np.random.Generator) -> np.ndarray:
    """A colour that is brighter or darker than the ground in each channel."""
    dark = rng.integers(0, 60, 3)
    bright = rng.integers(180, 256, 3)
    return np.where(rng.random(3) < 0.5, dark, bright).astype(np.uint8)


def grain(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The picture with a little noise."""
    noise = np.frombuffer(rng.bytes(image.size), np.uint8).reshape(image.shape) >> 4
    return np.asarray(cv2.add(image, noise))
