"""Masks as COCO's compressed run lengths: check, measure and compare them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pycocotools import mask as coco

from densefit.data.geometry.rle import covered_pixels, encode_runs, encode_stack
from densefit.errors import DataError
from densefit.metrics.coco.groups import run_starts

_DIGITS = 6  # of 5 bits each; runs of masks that are compared have up to 2**29 pixels

Masks = tuple[list[str], np.ndarray]
"""Run lengths (n) and sizes (n, 2) int32, height and width."""


def compressed(masks: Any, where: str) -> Masks:
    """Convert the masks of an image to compressed run lengths.

    Args:
        masks: an (n, H, W) array, nonzero on the objects, or a list of {"size": [height, width],
            "counts": text or bytes of compressed run lengths, or a list of runs}.
        where: the image, for errors.

    Raises:
        DataError: they are neither, or the runs do not fill a mask.
    """
    if isinstance(masks, np.ndarray) and masks.dtype != object:
        if masks.ndim != 3:
            raise DataError("Masks are not (n, H, W)", received=f"shape {masks.shape}", where=where)
        if masks.dtype.kind == "f":
            _check_hard(masks, where)
        masks = encode_stack(masks)
    counts, sizes = [], np.empty((len(masks), 2), np.int32)
    for row, mask in enumerate(masks):
        try:
            sizes[row] = height, width = mask["size"]
            runs = mask["counts"]
            if not isinstance(runs, (bytes, str)):
                if min(runs) < 0:
                    raise ValueError("a run is negative")
                runs = encode_runs(runs, (height, width))["counts"]
            runs = runs.decode("ascii") if isinstance(runs, bytes) else runs
            runs.encode("ascii")
        except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
            raise DataError(
                "A mask is no run lengths",
                expected='{"size": [height, width], "counts": text, bytes or a list of runs}',
                received=f"{mask!r}"[:80],
                where=where,
            ) from error
        if height < 1 or width < 1:
            raise DataError("A mask has no pixels", received=mask["size"], where=where)
        counts.append(runs)
    wrong = ~whole(counts, sizes.prod(axis=1, dtype=np.int64))
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            "The run lengths of a mask do not fill it",
            expected=f"runs of {sizes[row, 0]} x {sizes[row, 1]} pixels together",
            received=counts[row][:60],
            where=where,
        )
    return counts, sizes


def _check_hard(masks: np.ndarray, where: str) -> None:
    """Raise DataError if float masks are probabilities: nearly all of their pixels are nonzero."""
    soft = (masks != 0) & (masks != masks.max(initial=0.0))
    if soft.any():
        raise DataError(
            "Masks are probabilities, or no numbers",
            expected="0 and 1",
            received=f"{masks[soft][0]:g}",
            where=where,
            fix="masks >= 0.5",
        )


def whole(counts: Sequence[str], pixels: np.ndarray) -> np.ndarray:
    """Mask the run lengths that are readable and cover `pixels` pixels, (n,) bool.

    >>> whole(["52203", "5220", "5220`"], np.array([16, 16, 16]))
    array([ True, False, False])
    """
    return covered_pixels([text.encode("ascii") for text in counts], _DIGITS) == pixels


def dicts(columns: Mapping[str, np.ndarray], rows: Any = slice(None)) -> list[dict[str, Any]]:
    """Masks of the columns "counts" and "size" as pycocotools expects them."""
    sizes = columns["size"][rows].tolist()
    return [{"size": size, "counts": text} for text, size in zip(columns["counts"][rows], sizes)]


def overlaps(
    detections: Mapping[str, np.ndarray],
    truth: Mapping[str, np.ndarray],
    rows: np.ndarray,
    truths: np.ndarray,
    least: float,
) -> np.ndarray:
    """Compute overlaps of pairs of masks by pycocotools' run lengths.

    Args:
        detections: columns "counts", "size", "bbox", "pixels".
        truth: the same columns, and "crowd".
        rows: (p,) of `detections`.
        truths: (p,) of `truth`; group by group, and in a group each row with all its truths.
        least: overlaps that are certainly less are not computed.

    Returns:
        (p,) float64; 0 where the overlap is less than `least`.
    """
    result = np.zeros(len(rows))
    hopeful = _bound(detections, truth, rows, truths) >= least
    # A group's rows begin with the same true object, and no other group's do.
    begins = run_starts(rows)
    counts = np.diff(begins, append=len(rows))
    firsts = run_starts(truths[begins])
    starts, counts = begins[firsts], counts[firsts]
    for start, end, count in zip(starts, np.append(starts[1:], len(rows)), counts):
        chosen = hopeful[start:end].reshape(-1, count).any(axis=1)
        if chosen.any():
            left, right = (
                rows[start:end:count][chosen],
                truths[start : start + count],
            )
            result[start:end].reshape(-1, count)[chosen] = coco.iou(
                dicts(detections, left),
                dicts(truth, right),
                truth["crowd"][right].astype(np.uint8),
            )
    return result


def dense_overlaps(
    detections: Mapping[str, np.ndarray],
    truth: Mapping[str, np.ndarray],
    rows: np.ndarray,
    truths: np.ndarray,
    least: float,
) -> np.ndarray:
    """Compute overlaps of all `rows` with all `truths` of one image, (r, t) float64."""
    result = np.zeros((len(rows), len(truths)))
    chosen = (_bound(detections, truth, rows[:, None], truths[None]) >= least).any(axis=1)
    if chosen.any():
        crowd = truth["crowd"][truths].astype(np.uint8)
        result[chosen] = coco.iou(dicts(detections, rows[chosen]), dicts(truth, truths), crowd)
    return result


def _bound(
    detections: Mapping[str, np.ndarray],
    truth: Mapping[str, np.ndarray],
    rows: np.ndarray,
    truths: np.ndarray,
) -> np.ndarray:
    """Upper bound of the overlap of pairs of masks, by their boxes and areas, (...)."""
    box, true_box = (
        detections["bbox"][rows].astype(np.float64),
        truth["bbox"][truths].astype(np.float64),
    )
    far = np.minimum(box[..., :2] + box[..., 2:], true_box[..., :2] + true_box[..., 2:])
    sides = (far - np.maximum(box[..., :2], true_box[..., :2])).clip(0)
    area = detections["pixels"][rows]
    union = np.where(truth["crowd"][truths], area, np.maximum(area, truth["pixels"][truths]))
    common = np.minimum(sides[..., 0] * sides[..., 1], area)
    bound: np.ndarray = common / union.clip(1)
    return bound
