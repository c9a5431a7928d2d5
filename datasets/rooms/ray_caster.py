"""What each pixel of a camera in a room sees first.

Rays are intersected with boxes by slabs (Kay and Kajiya, "Ray Tracing Complex Scenes", SIGGRAPH
1986), each box within the part of the picture that may show it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .camera import NEAR, Camera
from .cuboid import Cuboid

#: (6, 3) directions of faces in the world; FLOOR and CEILING are those of the room.
FACES = np.array([[-1, 0, 0], [1, 0, 0], [0, -1, 0], [0, 1, 0], [0, 0, -1], [0, 0, 1]], np.float32)
FLOOR, CEILING = 2, 3


@dataclass(frozen=True)
class View:
    """What a camera sees.

    Attributes:
        depth: (H, W) float32, metres along the camera's axis.
        part: (H, W) int16, index of the cuboid; -1 for the room itself.
        face: (H, W) uint8, index of `FACES`: where the surface faces.
    """

    depth: np.ndarray
    part: np.ndarray
    face: np.ndarray


def cast(camera: Camera, rays: np.ndarray, room: np.ndarray, cuboids: Sequence[Cuboid]) -> View:
    """Find the nearest surface on each ray.

    Args:
        camera: within the room, and in no cuboid.
        rays: (3, H, W), from `camera.rays`.
        room: (3,) its highest x, y and z in metres; the lowest are 0.
        cuboids: what is in it.
    """
    inverse = 1 / rays
    forward = rays > 0
    origin = camera.position.astype(np.float32)
    # The room is left through the wall that a ray reaches first.
    codes = [np.where(forward[axis], 2 * axis, 2 * axis + 1).astype(np.uint8) for axis in range(3)]
    face, depth = codes[0], np.full(rays.shape[1:], np.inf, np.float32)
    for axis in range(3):
        limit = np.where(forward[axis], np.float32(room[axis]) - origin[axis], -origin[axis])
        ahead = limit * inverse[axis]
        face = np.where(ahead < depth, codes[axis], face)
        depth = np.minimum(ahead, depth)
    part = np.full(depth.shape, -1, np.int16)
    for number, cuboid in enumerate(cuboids):
        window = camera.extent(cuboid.corners())
        if window is None:
            continue
        entry, across = _entries(cuboid, origin, inverse, codes, window)
        inside = depth[window]
        nearer = (entry > NEAR) & (entry < inside)
        np.copyto(inside, entry, where=nearer)
        np.copyto(part[window], number, where=nearer, casting="unsafe")
        np.copyto(face[window], across, where=nearer)
    return View(depth, part, face)


def _entries(
    cuboid: Cuboid,
    origin: np.ndarray,
    inverse: np.ndarray,
    codes: Sequence[np.ndarray],
    window: tuple[slice, slice],
) -> tuple[np.ndarray, np.ndarray]:
    """Depth at which each ray enters the cuboid, infinite if it misses, and the face."""
    shape = inverse[0][window].shape
    first, last = np.full(shape, -np.inf, np.float32), np.full(shape, np.inf, np.float32)
    across = codes[0][window]
    for axis in range(3):
        factor = inverse[axis][window]
        to_low = (np.float32(cuboid.low[axis]) - origin[axis]) * factor
        to_high = (np.float32(cuboid.high[axis]) - origin[axis]) * factor
        near, far = np.minimum(to_low, to_high), np.maximum(to_low, to_high)
        across = np.where(near > first, codes[axis][window], across)
        first, last = np.maximum(first, near), np.minimum(last, far)
    return np.where(first < last, first, np.float32(np.inf)), across
