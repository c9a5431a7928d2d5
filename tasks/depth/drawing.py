"""Depth maps as colours, near ones warm and far ones cold, with their range in metres."""

from __future__ import annotations

import cv2
import numpy as np

from densefit.visualize.drawing import draw_label, letter_height

#: Percent of the pixels that may lie outside of the range at either end: a few wild pixels would
#: leave one colour to all the others.
OUTSIDE = 1.0


def depth_range(depth: np.ndarray) -> tuple[float, float] | None:
    """The metres between which nearly all known depths of a map lie; None if none is known.

    >>> depth_range(np.array([[0.0, 2.0, 4.0, np.nan]]))
    (2.0, 4.0)
    """
    known = depth[_known(depth)]
    if not known.size:
        return None
    low, high = np.percentile(known, (OUTSIDE, 100 - OUTSIDE), method="nearest")
    return float(low), float(high)


def common_range(*maps: np.ndarray) -> tuple[float, float] | None:
    """From the nearest to the farthest end of the maps' own ranges; None if none is known.

    >>> common_range(np.array([[2.0, 4.0]]), np.array([[3.0, 3.5]]), np.zeros((1, 2)))
    (2.0, 4.0)
    """
    ranges = [ends for ends in map(depth_range, maps) if ends is not None]
    if not ranges:
        return None
    return min(low for low, _ in ranges), max(high for _, high in ranges)


def depth_colors(depth: np.ndarray, low: float, high: float) -> np.ndarray:
    """RGB colours of depths, near ones red and far ones blue, by the logarithm.

    Args:
        depth: (...) metres above 0; those out of range have the colour of its end.
        low: metres of the reddest,
        high: and of the bluest; if they are equal, everything is reddest.

    Returns:
        (..., 3) uint8.
    """
    span = max(float(np.log(high / low)), 1e-6)
    place = np.log(np.clip(depth, low, high) / low) / span
    near = np.rint(255 * (1 - place)).astype(np.uint8)
    colors = cv2.applyColorMap(near.reshape(-1, 1), cv2.COLORMAP_TURBO)
    return np.asarray(colors[..., ::-1]).reshape(*depth.shape, 3)


def draw_depth(
    image: np.ndarray, depth: np.ndarray, ends: tuple[float, float] | None = None
) -> np.ndarray:
    """A copy of the image under its depths; what is unknown stays as it is, beside the words.

    By default the colours span the map's own range (see `depth_range`), of which a room of 2 to 4 m
    would be a sliver on a scale common to all maps. A bar at the lower edge has the colours, and at
    its ends the metres.

    Args:
        image: (H, W, 3) uint8.
        depth: (H, W) metres; not above 0, or not finite, where unknown.
        ends: metres of the reddest and the bluest, to compare maps.
    """
    own = depth_range(depth)
    ends = None if own is None else ends or own
    result = np.ascontiguousarray(image).copy()
    if ends is None:
        return draw_label(result, "no depth is known")
    low, high = ends
    known = _known(depth)
    result[known] = depth_colors(depth[known], low, high)
    height, width = result.shape[:2]
    letters = letter_height(result)
    top = height - min(max(2, round(0.8 * letters)), height)
    result[top:] = depth_colors(low * (high / low) ** np.linspace(0, 1, width), low, high)
    near, far = f"{low:.3g} m", f"{high:.3g} m"
    if 1.2 * letters * (len(near) + len(far)) > width:
        return draw_label(result, f"{low:.3g} to {far}", (0, top))
    return draw_label(draw_label(result, near, (0, top)), far, (width, top))


def _known(depth: np.ndarray) -> np.ndarray:
    return np.isfinite(depth) & (depth > 0)
