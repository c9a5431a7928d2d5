"""A pinhole camera in a room, and the ray of each of its pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NEAR = 0.05  # metres: what is nearer is not projected


@dataclass(frozen=True)
class Camera:
    """Position and rotation of a camera.

    The world has x to the right, y downwards and z ahead, in metres; so has the camera's frame.

    Attributes:
        position: (3,) in the world.
        rotation: (3, 3) from the camera's frame to the world.
        focal: focal length in pixels.
        size: (height, width) of the picture; the axis goes through its middle.
    """

    position: np.ndarray
    rotation: np.ndarray
    focal: float
    size: tuple[int, int]

    def rays(self) -> np.ndarray:
        """(3, H, W) float32: the direction in the world for each pixel, 1 metre deep.

        A point at `position + t * ray` has the depth t along the camera's axis.
        """
        height, width = self.size
        x = ((np.arange(width) + 0.5 - width / 2) / self.focal).astype(np.float32)
        y = ((np.arange(height) + 0.5 - height / 2) / self.focal).astype(np.float32)
        columns, rows, axis = self.rotation.T.astype(np.float32)[:, :, None, None]
        rays = (columns * x + axis) + rows * y[:, None]
        rays[np.abs(rays) < 1e-6] = 1e-6  # rays are divided by
        return np.asarray(rays)

    def extent(self, corners: np.ndarray) -> tuple[slice, slice] | None:
        """Rows and columns that may show the hull of points; None if no pixel does.

        Args:
            corners: (n, 3) in the world.
        """
        height, width = self.size
        points = (corners - self.position) @ self.rotation
        depth = points[:, 2]
        if (depth <= NEAR).all():
            return None
        if (depth <= NEAR).any():
            return slice(0, height), slice(0, width)
        pixels = points[:, :2] / depth[:, None] * self.focal + (width / 2, height / 2)
        first = np.maximum(np.floor(pixels.min(axis=0)), 0).astype(int)
        last = np.minimum(np.ceil(pixels.max(axis=0)), (width, height)).astype(int)
        if (first >= last).any():
            return None
        return slice(first[1], last[1]), slice(first[0], last[0])


def rotation_of(yaw: float, pitch: float) -> np.ndarray:
    """(3, 3) rotation of a camera that is turned to the right, then upwards, in radians."""
    cos, sin = np.cos(yaw), np.sin(yaw)
    turn = np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    cos, sin = np.cos(pitch), np.sin(pitch)
    lift = np.array([[1, 0, 0], [0, cos, -sin], [0, sin, cos]])
    return np.asarray(turn @ lift)
