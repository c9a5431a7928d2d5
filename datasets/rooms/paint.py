"""Colours of a view: light of a lamp on every surface, planks on the floor, grain."""

from __future__ import annotations

import numpy as np

from .camera import Camera
from .ray_caster import CEILING, FACES, FLOOR, View
from .scene import Scene

_AMBIENT = 0.42
_REACH = 3.5  # metres, where a lamp's light is half as bright


def paint(
    rng: np.random.Generator, scene: Scene, camera: Camera, rays: np.ndarray, view: View
) -> np.ndarray:
    """(H, W, 3) uint8 RGB picture of a view."""
    parts = [part for item in scene.things for part in item.parts]
    # The last three rows are the room's: floor, ceiling, wall.
    surfaces = [scene.colours[name] for name in ("floor", "ceiling", "wall")]
    colours = np.array([*(part.colour for part in parts), *surfaces], np.float32)
    shine = np.array([*(part.shine[0] for part in parts), 0, 0, 0], np.float32)
    count = len(parts)
    of_room = np.where(
        view.face == FLOOR, count, np.where(view.face == CEILING, count + 1, count + 2)
    )
    index = np.where(view.part >= 0, view.part, of_room)
    position = camera.position.astype(np.float32)
    points = [view.depth * rays[axis] + position[axis] for axis in range(3)]
    light = _light(scene, points, view.face) + shine[index]
    is_floor = index == count
    if is_floor.any():
        planks = _planks(rng, points[0][is_floor], points[2][is_floor])
        light[is_floor] *= planks
    picture = colours.take(index, axis=0)
    picture *= (light * np.float32(255 * rng.uniform(0.8, 1.1)))[..., None]
    grain = np.frombuffer(rng.bytes(picture.size), np.uint8).reshape(picture.shape) >> 4
    return np.asarray(np.clip(picture + grain - 8, 0, 255).astype(np.uint8))


def _light(scene: Scene, points: list[np.ndarray], face: np.ndarray) -> np.ndarray:
    """(H, W) brightness of surfaces by Lambert's law, less with the distance."""
    toward = [np.float32(scene.lamp[axis]) - points[axis] for axis in range(3)]
    squared = toward[0] ** 2 + toward[1] ** 2 + toward[2] ** 2
    facing = np.zeros_like(squared)
    for number, normal in enumerate(FACES):
        axis = number // 2
        np.copyto(facing, toward[axis] * normal[axis], where=face == number)
    lambert = np.maximum(facing, 0) / np.sqrt(squared + np.float32(1e-6))
    return np.asarray(
        _AMBIENT + (1 - _AMBIENT) * lambert / (1 + squared / np.float32(_REACH**2)) + 0.1
    )


def _planks(rng: np.random.Generator, x: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Brightness of a floor of boards along z, each a little different."""
    width, length = rng.uniform(0.12, 0.3), rng.uniform(0.8, 1.6)
    board = np.floor(x / np.float32(width)).astype(np.int64)
    piece = np.floor(z / np.float32(length) + board * np.float32(0.37)).astype(np.int64)
    shades = rng.uniform(0.85, 1.1, 61).astype(np.float32)
    return np.asarray(shades[(board * 7 + piece * 13) % 61])
