"""Generated pictures in relief: depths and surface normals of shapes on a tilted ground, shaded."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

#: Ranges of the ground's depth in metres, at the lower and at the upper edge of the picture.
NEAR, FAR = (1.5, 2.5), (3.5, 5.0)
_WIDTH = 2.0  # metres that the shorter side of the picture shows
_LIGHT = np.array([-0.5, -0.6, 0.62])  # direction to the light, of length 1: x, y, z
_AMBIENT = 0.45  # share of the brightness that does not depend on the light


def relief(
    image: np.ndarray, instances: np.ndarray, classes: Sequence[int], rng: np.random.Generator
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Shade flat shapes as solids on a ground that rises towards the camera.

    What is farther is darker, so that depth can be learned from brightness; surfaces that face the
    light are brighter, so that normals can be.

    Args:
        image: (H, W, 3) uint8 RGB.
        instances: (H, W), 1 to n inside the shapes, 0 on the ground.
        classes: class of each shape; 0 is a circle, which becomes a half sphere, others pyramids.
        rng: draws the tilt of the ground.

    Returns:
        The shaded image, and `depth` (H, W) float32 metres and `normals` (H, W, 3) float32 of
        length 1.
    """
    height, width = instances.shape
    pixel = _WIDTH / min(height, width)
    near, far = rng.uniform(*NEAR), rng.uniform(*FAR)
    ground = np.linspace(far, near, height)[:, None]
    heights = np.zeros((height, width))
    for number, kind in enumerate(classes, 1):
        heights += _height(instances == number, kind)
    depth = ground - pixel * heights
    down, right = np.gradient(depth, pixel)
    normals = np.stack([right, down, np.ones_like(depth)], axis=2)
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    light = _AMBIENT + (1 - _AMBIENT) * (normals @ _LIGHT).clip(0)
    shade = 1.2 * light * (NEAR[0] / depth) ** 0.5
    shaded = np.rint(image * shade[..., None]).clip(0, 240).astype(np.uint8)
    return shaded, {"depth": depth.astype(np.float32), "normals": normals.astype(np.float32)}


def _height(inside: np.ndarray, kind: int) -> np.ndarray:
    """(H, W) height above the ground in pixels, 0 outside of the shape."""
    edge = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    if kind != 0:
        return np.asarray(edge, np.float64)
    radius = float(edge.max())
    return np.sqrt(np.maximum(radius**2 - (radius - edge) ** 2, 0)) * inside
