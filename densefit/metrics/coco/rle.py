"""Masks as COCO's compressed run lengths: check, measure and compare them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pycocotools import mask as coco

from densefit.errors import DataError
from densefit.metrics.coco.groups import index_in_run, run_starts

_DIGITS = 7  # of 5 bits each: the 32 bits of a run, and a sign
_COMPARED = 6  # the same for masks that are compared: runs up to 2**29 pixels
_AT_ONCE = 500  # strings whose pixels are counted together

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
        masks = coco.encode(np.asfortranarray((masks != 0).transpose(1, 2, 0), np.uint8))
    counts, sizes = [], np.empty((len(masks), 2), np.int32)
    for row, mask in enumerate(masks):
        try:
            sizes[row] = height, width = mask["size"]
            runs = mask["counts"]
            if not isinstance(runs, (bytes, str)):
                if min(runs) < 0:
                    raise ValueError("a run is negative")
                runs = coco.frPyObjects({"size": [height, width], "counts": runs}, height, width)
                runs = runs["counts"]
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


def whole(counts: Sequence[str], wanted: np.ndarray) -> np.ndarray:
    """Mask the run lengths that are readable and cover `wanted` pixels, (n,) bool.

    >>> whole(["52203", "5220", "5220`"], np.array([16, 16, 16]))
    array([ True, False, False])
    """
    return pixels([text.encode("ascii") for text in counts], _COMPARED) == wanted


def pixels(counts: Sequence[bytes], digits: int = _DIGITS) -> np.ndarray:
    """Count the pixels that each string of run lengths covers, (n,) int64; -1 if it is broken.

    pycocotools does not check: it reads past the end of a truncated string.

    >>> pixels([b"523", b"^"])
    array([10, -1])

    Args:
        counts: the strings.
        digits: of a number at most; a string with a longer number is broken.
    """
    parts = [counts[i : i + _AT_ONCE] for i in range(0, len(counts), _AT_ONCE)]
    return np.concatenate([np.zeros(0, np.int64), *(_pixels(part, digits) for part in parts)])


def _pixels(counts: Sequence[bytes], digits: int) -> np.ndarray:
    """Count the pixels of one portion of strings.

    A character holds 5 bits of a number, lowest first, and a flag for more to come; the last has
    the sign.
    """
    lengths = np.array([len(string) for string in counts], np.int64)
    good = lengths > 0
    letters = np.frombuffer(b"".join(counts), np.uint8)
    if not len(letters):
        return np.full(len(counts), -1)
    letters = letters - np.uint8(48)  # lower values wrap around
    owner = np.repeat(np.arange(len(counts)), lengths)
    last = (letters & 32) == 0
    good[owner[letters > 63]] = False
    closing = np.cumsum(lengths)[lengths > 0] - 1
    good[owner[closing[~last[closing]]]] = False
    last[closing] = True
    begins = np.append(0, np.flatnonzero(last)[:-1] + 1)
    digit = np.arange(len(letters)) - np.repeat(begins, np.diff(begins, append=len(letters)))
    good[owner[digit >= digits]] = False
    bits = (letters & 31).astype(np.int64) << 5 * digit.clip(max=digits)
    values = np.add.reduceat(bits, begins)
    ends = np.append(begins[1:], len(letters)) - 1
    values -= ((letters[ends] & 16) > 0) * (np.int64(32) << 5 * digit[ends].clip(max=digits))
    owner = owner[begins]
    runs = _runs_from_differences(values, index_in_run(owner))
    good[owner[runs < 0]] = False
    sums = np.bincount(owner, runs.clip(0), minlength=len(counts)).astype(np.int64)
    return np.where(good, sums, -1)


def runs_of(counts: str | bytes | Sequence[int]) -> np.ndarray:
    """Decode the runs of a mask, alternately background and object, (r,) int64.

    >>> runs_of(coco.encode(np.asfortranarray([[0, 1], [1, 1]], np.uint8))["counts"])
    array([1, 3])
    """
    if not isinstance(counts, (str, bytes)):
        return np.array(counts, np.int64)
    text = counts.encode("ascii") if isinstance(counts, str) else counts
    letters = np.frombuffer(text, np.uint8) - np.uint8(48)
    ends = np.flatnonzero((letters & 32) == 0)
    begins = np.append(0, ends[:-1] + 1)
    digit = np.arange(len(letters)) - np.repeat(begins, ends - begins + 1)
    values = np.add.reduceat((letters & 31).astype(np.int64) << 5 * digit, begins)
    values -= ((letters[ends] & 16) > 0) * (np.int64(32) << 5 * digit[ends])
    return _runs_from_differences(values, np.arange(len(values)))


def _runs_from_differences(values: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Decode runs from differences: from index 3 on, each is to the run two indices before."""
    runs = values.copy()
    for parity in (0, 1):
        chain = np.flatnonzero((indices % 2 == parity) & (indices > 0))
        if len(chain):
            sums = np.cumsum(values[chain])
            starts = np.flatnonzero(indices[chain] <= 2)
            before = sums[starts] - values[chain[starts]]
            runs[chain] = sums - np.repeat(before, np.diff(starts, append=len(chain)))
    return runs


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
