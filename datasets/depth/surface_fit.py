"""Surface normals out of a depth map: planes fitted to the surroundings of each pixel."""

from __future__ import annotations

import numpy as np

NEARNESS = 0.05  # of the depth: what differs more lies on another surface
_LEAST = 1e-6  # determinant of the fit: points on a line have any plane


def normals_of_depth(
    depth: np.ndarray,
    focal: tuple[float, float],
    centre: tuple[float, float],
    reach: int = 3,
) -> np.ndarray:
    """Unit normals towards the camera, in its frame: x right, y down, z ahead.

    The inverse depth of a plane is a linear function of the pixel's place. It is fitted by least
    squares to the pixels around each one that are about as deep as it is.

    Args:
        depth: (H, W) metres along the camera's axis; 0 where unknown.
        focal: focal lengths (x, y) in pixels.
        centre: (x, y) where the axis meets the picture, in pixels; the first pixel's is (0, 0).
        reach: pixels on each side that the plane is fitted to.

    Returns:
        (H, W, 3) float32; 0 where the depth is unknown, or no plane fits.
    """
    depth = np.asarray(depth, np.float64)
    is_known = np.isfinite(depth) & (depth > 0)
    slope_x, slope_y, level, is_fitted = _planes(np.where(is_known, depth, 0), reach)
    height, width = depth.shape
    columns = (np.arange(width) - centre[0]) / focal[0]
    rows = (np.arange(height)[:, None] - centre[1]) / focal[1]
    x, y = slope_x * focal[0], slope_y * focal[1]
    # This points away from the camera wherever a surface is seen: inverse depths are positive.
    away = np.stack([x, y, level - x * columns - y * rows], axis=-1)
    length = np.linalg.norm(away, axis=-1, keepdims=True)
    is_fitted &= is_known & (length[..., 0] > 0)
    normals = np.divide(-away, length, out=np.zeros_like(away), where=is_fitted[..., None])
    return normals.astype(np.float32)


def _planes(depth: np.ndarray, reach: int) -> tuple[np.ndarray, ...]:
    """Slopes per pixel and the level of the inverse depth around each pixel, and where they are."""
    height, width = depth.shape
    padded = np.pad(depth, reach)
    inverse = np.divide(1, padded, out=np.zeros_like(padded), where=padded > 0)
    # Sums over the window of 1, x, y, xx, xy, yy, and of the inverse depth w: w, xw, yw.
    moments, products = np.zeros((6, height, width)), np.zeros((3, height, width))
    offsets = range(-reach, reach + 1)
    for dx, dy in ((dx, dy) for dy in offsets for dx in offsets):
        window = np.s_[reach + dy :, reach + dx :]
        there = padded[window][:height, :width]
        near = (there > 0) & (np.abs(there - depth) <= NEARNESS * depth)
        w = inverse[window][:height, :width] * near
        for index, factor in enumerate((1, dx, dy, dx * dx, dx * dy, dy * dy)):
            moments[index] += factor * near
        for index, factor in enumerate((1, dx, dy)):
            products[index] += factor * w
    count, x, y, xx, xy, yy = moments
    # Centred on the mean of the window's points, which leaves a system of two equations.
    count = np.maximum(count, 1)
    mean_x, mean_y, mean_w = x / count, y / count, products[0] / count
    xx, xy, yy = xx - x * mean_x, xy - x * mean_y, yy - y * mean_y
    xw, yw = products[1] - x * mean_w, products[2] - y * mean_w
    determinant = xx * yy - xy * xy
    is_fitted = determinant > _LEAST
    safe = np.where(is_fitted, determinant, 1)
    slope_x, slope_y = (xw * yy - yw * xy) / safe, (yw * xx - xw * xy) / safe
    return slope_x, slope_y, mean_w - slope_x * mean_x - slope_y * mean_y, is_fitted
