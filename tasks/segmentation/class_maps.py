"""Class maps on the host: from logits, and back to the original image."""

from __future__ import annotations

import cv2
import numpy as np

from densefit.data.sample import Geometry


def upsampled_argmax(logits: np.ndarray, stride: int, size: tuple[int, int]) -> np.ndarray:
    """Argmax over classes of logits that are upsampled bilinearly (half-pixel centres).

    In MXNet this is a matrix product and an argmax over all upsampled logits, which takes several
    times as long on a CPU.

    Args:
        logits: (C, h, w) float32, C at most 256; cell (i, j) covers the pixels from stride i and
            stride j on.
        stride: pixels per side of a cell.
        size: (height, width) of the image, at most stride h and stride w.

    Returns:
        (height, width) uint8; the first of classes with equal logits. The first class everywhere
        if a logit is nan: MXNet spreads it along rows and columns, and a score must show it.
    """
    if np.isnan(logits).any():
        return np.zeros(size, np.uint8)
    full = logits.shape[2] * stride, logits.shape[1] * stride  # width, height
    best = cv2.resize(logits[0], full, interpolation=cv2.INTER_LINEAR)
    classes: np.ndarray = np.zeros(best.shape, np.uint8)
    for number in range(1, len(logits)):
        plane = cv2.resize(logits[number], full, interpolation=cv2.INTER_LINEAR)
        classes[cv2.compare(plane, best, cv2.CMP_GT) > 0] = number
        cv2.max(plane, best, best)
    return classes[: size[0], : size[1]]


def to_original(mask: np.ndarray, geometry: Geometry) -> np.ndarray:
    """Resample a mask of input size at the pixel centres of the original image (nearest)."""
    height, width = geometry.size
    if mask.shape == (height, width) and np.allclose(geometry.matrix, np.eye(2, 3)):
        return mask
    # warpAffine wants the map between pixel indices; ours is between continuous coordinates
    matrix = geometry.matrix.copy()
    matrix[:, 2] += 0.5 * (matrix[:, 0] + matrix[:, 1]) - 0.5
    return cv2.warpAffine(
        mask,
        matrix,
        (width, height),
        flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
