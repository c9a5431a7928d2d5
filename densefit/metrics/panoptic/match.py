"""Match the segments of one image by the rules of panoptic quality."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from densefit.errors import DataError
from densefit.metrics.panoptic.segments import VOID, Segments


@dataclass(frozen=True)
class Matches:
    """Counts of one image for each class, (K,) each.

    Attributes:
        iou: float64, the sum of the IoU of the true positives.
        tp, fp, fn: int64.
    """

    iou: np.ndarray
    tp: np.ndarray
    fp: np.ndarray
    fn: np.ndarray


def overlaps(prediction: Segments, target: Segments, where: str) -> np.ndarray:
    """Count the pixels that a true and a predicted segment share.

    Counts runs of one pair, not pixels: maps of segments have few runs.

    Args:
        prediction: n segments.
        target: m segments.
        where: the image, for errors.

    Returns:
        (1 + m, 1 + n) int64; row and column 0 are void, then the segments in order.

    Raises:
        DataError: the maps differ in shape, a map has an id that is not described, or a described
            segment has no pixel.
    """
    if prediction.map.shape != target.map.shape:
        raise DataError(
            "A predicted map and its truth differ in shape",
            expected=f"a prediction of the shape {target.map.shape}",
            received=f"shape {prediction.map.shape}",
            where=where,
            fix="bring the prediction to the original size before scoring",
        )
    true, guess = target.map.reshape(-1), prediction.map.reshape(-1)
    first = np.ones(true.size, bool)
    np.logical_or(true[1:] != true[:-1], guess[1:] != guess[:-1], out=first[1:])
    starts = np.flatnonzero(first)
    lengths = np.diff(starts, append=true.size)
    rows = _segment_indices(true[starts], target.ids, f"truth, {where}")
    columns = _segment_indices(guess[starts], prediction.ids, f"prediction, {where}")
    shape = (1 + len(target.ids), 1 + len(prediction.ids))
    # The weights are summed as float64, exact for any number of pixels.
    flat = np.bincount(rows * shape[1] + columns, lengths, minlength=shape[0] * shape[1])
    table = flat.reshape(shape).astype(np.int64)
    for ids, areas, side in (
        (target.ids, table.sum(axis=1)[1:], "truth"),
        (prediction.ids, table.sum(axis=0)[1:], "prediction"),
    ):
        if (areas == 0).any():
            raise DataError(
                "A segment has no pixel in the map",
                received=f"id {ids[areas == 0][0]}",
                where=f"{side}, {where}",
            )
    return table


def _segment_indices(values: np.ndarray, ids: np.ndarray, where: str) -> np.ndarray:
    """Index each value in `ids`, counted from 1; 0 for void."""
    values = values.astype(np.int64)
    described = np.concatenate([[VOID], ids])
    order = np.argsort(described)
    indices = order[np.searchsorted(described, values, sorter=order).clip(max=len(ids))]
    unknown = described[indices] != values
    if unknown.any():
        raise DataError(
            "The map holds an id that no segment has",
            received=f"id {values[unknown][0]}",
            where=where,
            fix="describe the segment, or make its pixels void (0)",
        )
    return indices


def match(prediction: Segments, target: Segments, classes: int, where: str) -> Matches:
    """Count true positives, false positives and false negatives of one image for each class.

    Equal to `pq_compute_single_core` of COCO's panopticapi. A true and a predicted segment of one
    class match if their IoU is above one half; the part of the prediction in void is not in the
    union. Crowds match nothing and are no false negatives. An unmatched prediction is no false
    positive if more than half of it lies in void and in the crowd of its class; of several crowds
    of one class only the last counts, as in panopticapi.

    Args:
        prediction: n segments; crowds are ignored.
        target: m segments.
        classes: K, the number of classes.
        where: the image, for errors.

    Raises:
        DataError: as `overlaps`.
    """
    table = overlaps(prediction, target, where)
    void, shared = table[0, 1:], table[1:, 1:]
    areas = table.sum(axis=0)[1:]
    true, guess = np.nonzero(shared)
    fits = (target.classes[true] == prediction.classes[guess]) & ~target.crowd[true]
    true, guess = true[fits], guess[fits]
    common = shared[true, guess]
    union = table.sum(axis=1)[1:][true] + areas[guess] - common - void[guess]
    right = 2 * common > union  # in integers: exactly one half is no match
    true, guess = true[right], guess[right]

    missed = ~target.crowd
    missed[true] = False
    forgiven = void.copy()
    crowd_of = {int(target.classes[row]): row for row in np.flatnonzero(target.crowd)}
    for label, row in crowd_of.items():
        same = prediction.classes == label
        forgiven[same] += shared[row, same]
    wrong = 2 * forgiven <= areas
    wrong[guess] = False

    def count(labels: np.ndarray) -> np.ndarray:
        return np.bincount(labels, minlength=classes)

    ious = common[right] / union[right]
    return Matches(
        iou=np.bincount(target.classes[true], ious, minlength=classes),
        tp=count(target.classes[true]),
        fp=count(prediction.classes[wrong]),
        fn=count(target.classes[missed]),
    )
