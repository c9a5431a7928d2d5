"""Count pairs of up to 255 classes by OpenCV's histogram of two channels."""

from __future__ import annotations

import cv2
import numpy as np

from densefit.metrics.core.classes import VOID

# Pixels counted at a time: temporaries stay in the L2 cache, and no bin comes near 2**24, above
# which the float32 bins of OpenCV are not exact.
_CHUNK = 1 << 18


def count_bytes(
    prediction: np.ndarray, target: np.ndarray, classes: int, ignore_label: int | None
) -> np.ndarray | None:
    """Count a confusion matrix of up to 255 classes by OpenCV's histogram of two channels.

    A class map has long runs of one pair, and incrementing one bin repeatedly waits for memory each
    time. So the highest bits of the labels, which no class uses, hold the index of the pixel modulo
    the number of tables (8 for up to 32 classes): neighbours fall into different bins, and the
    tables are added at the end. This is about twice as fast on such maps.

    Args:
        prediction: integers or bool of any shape.
        target: the same shape.
        classes: K, 1 to 255.
        ignore_label: pixels with this true label are skipped; None if there is none.

    Returns:
        (K, K) int64, row = truth; None if a pixel that counts has no class index.
    """
    if not target.size:
        return np.zeros((classes, classes), np.int64)
    prediction, target = prediction.reshape(-1), target.reshape(-1)
    void_is_class = ignore_label is not None and 0 <= ignore_label < classes
    void = ignore_label if void_is_class or target.dtype == np.uint8 else VOID
    rows = _rows(classes, void)
    height = 256 // rows * rows
    spread = (np.arange(8) % (256 // rows) * rows).astype(np.uint8).view(np.uint64)[0]
    labels = np.empty(min(_CHUNK, -(-target.size // 8) * 8), np.uint8)
    words = labels.view(np.uint64)
    table = np.zeros((classes, classes), np.int64)
    counted = 0
    for start in range(0, target.size, _CHUNK):
        part = target[start : start + _CHUNK]
        size = part.size
        ignored = _count(part, ignore_label)
        part = _as_bytes(part, classes)
        valid = int(np.count_nonzero(part < classes)) + (0 if void_is_class else ignored)
        if valid != size:
            return None  # a label is no class
        counted += size - ignored
        labels[:size] = part
        words ^= spread
        guess = np.ascontiguousarray(_as_bytes(prediction[start : start + _CHUNK], classes))
        # With these ranges the bin is the value, and a prediction that is no class has none.
        bins, ranges = [height, classes], [0, height, 0, classes]
        tables = cv2.calcHist([labels[:size], guess], [0, 1], None, bins, ranges)
        table += tables.reshape(-1, rows, classes)[:, :classes].sum(axis=0).astype(np.int64)
    if void_is_class:
        table[ignore_label] = 0
    return table if table.sum() == counted else None


def _rows(classes: int, void: int | None) -> int:
    """Number of rows of one table: a power of two that keeps the void label off the classes."""
    for rows in (32, 64, 128):
        if classes <= rows and (void is None or void < classes or void % rows >= classes):
            return rows
    return max(classes, 129)  # one table


def _as_bytes(labels: np.ndarray, classes: int) -> np.ndarray:
    """Convert labels to uint8; in wider types, values that are no class become 255."""
    if labels.dtype == np.uint8:
        return labels
    narrow = labels.astype(np.uint8)
    outside = (labels < 0) | (labels >= classes)
    narrow |= np.negative(outside.view(np.uint8))  # 255 where true; without a branch
    return narrow


def _count(labels: np.ndarray, label: int | None) -> int:
    if label is None or (labels.dtype == np.uint8 and not 0 <= label <= 255):
        return 0  # and no comparison of another, slower type
    return int(np.count_nonzero(labels == label))
