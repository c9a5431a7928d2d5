"""The strongest class of each pixel, of logits on a coarser grid. On the host.

MXNet computes this in a matrix product and an argmax over all enlarged logits, which on a CPU takes
several times as long.
"""

from __future__ import annotations

import cv2
import numpy as np


def strongest_classes(logits: np.ndarray, stride: int, size: tuple[int, int]) -> np.ndarray:
    """The class whose logit is largest, of logits enlarged bilinearly (half-pixel centres).

    Args:
        logits: (C, h, w) float32, C at most 256; cell (i, j) covers the pixels from stride i and
            stride j on.
        stride: pixels of a cell's side.
        size: (height, width) of the picture, at most stride h and stride w.

    Returns:
        (height, width) uint8; of equal logits, the first class. The first class everywhere if a
        logit is nan: MXNet spreads it along rows and columns, and a score must show it.
    """
    if np.isnan(logits).any():
        return np.zeros(size, np.uint8)
    full = logits.shape[2] * stride, logits.shape[1] * stride  # width, height
    best = cv2.resize(logits[0], full, interpolation=cv2.INTER_LINEAR)
    found: np.ndarray = np.zeros(best.shape, np.uint8)
    for number in range(1, len(logits)):
        one = cv2.resize(logits[number], full, interpolation=cv2.INTER_LINEAR)
        found[cv2.compare(one, best, cv2.CMP_GT) > 0] = number
        cv2.max(one, best, best)
    return found[: size[0], : size[1]]
