"""Depth maps as colours, from near (red) to far (blue), with their range in metres."""

from __future__ import annotations

import cv2
import numpy as np

from densefit.visualize.drawing import draw_label, letter_height

#: Percent of the pixels outside of the range at either end: a few outliers would otherwise
#: compress all other depths into one colour.
OUTSIDE = 1.0


def depth_range(depth: np.ndarray) -> tuple[float, float] | None:
    """Range of nearly all known depths of a map, in metres; None if none is known.

    >>> depth_range(np.array([[0.0, 2.0, 4.0, np.nan]]))
    (2.0, 4.0)
    """
    depths = depth[_is_valid(depth)]
    if not depths.size:
        return None
    low, high = np.percentile(depths, (OUTSIDE, 100 - OUTSIDE), method="nearest")
    return float(low), float(high)


def common_range(*maps: np.ndarray) -> tuple[float, float] | None:
    """Range that covers the ranges of all maps; None if no depth is known.

    >>> common_range(np.array([[2.0, 4.0]]), np.array([[3.0, 3.5]]), np.zeros((1, 2)))
    (2.0, 4.0)
    """
    ranges = [ends for ends in map(depth_range, maps) if ends is not None]
    if not ranges:
        return None
    return min(low for low, _ in ranges), max(high for _, high in ranges)


def depth_colors(depth: np.ndarray, low: float, high: float) -> np.ndarray:
    """RGB colours of depths on a logarithmic scale, from near (red) to far (blue).

    Args:
        depth: (...) metres above 0, clipped to the range.
        low: lower end of the range, metres.
        high: upper end; if it equals `low`, everything is red.

    Returns:
        (..., 3) uint8.
    """
    span = max(float(np.log(high / low)), 1e-6)
    position = np.log(np.clip(depth, low, high) / low) / span
    near = np.rint(255 * (1 - position)).astype(np.uint8)
    colors = cv2.applyColorMap(near.reshape(-1, 1), cv2.COLORMAP_TURBO)
    return np.asarray(colors[..., ::-1]).reshape(*depth.shape, 3)


def draw_depth(
    image: np.ndarray, depth: np.ndarray, ends: tuple[float, float] | None = None
) -> np.ndarray:
    """Draw depths as colours on a copy of the image, which shows where they are unknown.

    By default the colours span the range of the map (see `depth_range`): on a fixed scale a room of
    2 to 4 m would have nearly one colour. A bar at the lower edge shows the scale in metres.

    Args:
        image: (H, W, 3) uint8.
        depth: (H, W) metres; not above 0, or not finite, where unknown.
        ends: range of the colours in metres, to compare maps.
    """
    full_range = depth_range(depth)
    ends = None if full_range is None else ends or full_range
    result = np.ascontiguousarray(image).copy()
    if ends is None:
        return draw_label(result, "no depth is known")
    low, high = ends
    valid = _is_valid(depth)
    result[valid] = depth_colors(depth[valid], low, high)
    height, width = result.shape[:2]
    letters = letter_height(result)
    top = height - min(max(2, round(0.8 * letters)), height)
    result[top:] = depth_colors(low * (high / low) ** np.linspace(0, 1, width), low, high)
    near, far = f"{low:.3g} m", f"{high:.3g} m"
    if 1.2 * letters * (len(near) + len(far)) > width:
        return draw_label(result, f"{low:.3g} to {far}", (0, top))
    return draw_label(draw_label(result, near, (0, top)), far, (width, top))


def _is_valid(depth: np.ndarray) -> np.ndarray:
    return np.isfinite(depth) & (depth > 0)
