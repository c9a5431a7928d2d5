"""COCO's run-length encoding (RLE) of masks: encode, decode, count.

A mask is `{"size": [height, width], "counts": bytes or text}`. Its runs go down the columns, by
turns beside the object and on it; `counts` holds their compressed lengths. A character has 5 bits
of a number, lowest first, and a flag for more to come; the last has the sign. From the fourth
number on, each is the difference to the run two before.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pycocotools import mask as coco

from densefit.data.geometry.instance_map import object_runs

MAX_DIGITS = 7  # of 5 bits each: the 32 bits of a run, and a sign
_CHUNK = 500  # strings whose pixels are counted together

RLE = dict[str, Any]


def encode(mask: np.ndarray) -> RLE:
    """Encode one mask.

    >>> encode(np.array([[0, 1], [1, 1]]))
    {'size': [2, 2], 'counts': b'13'}

    Args:
        mask: (H, W), not 0 on the object.
    """
    return dict(coco.encode(np.asfortranarray(mask != 0, np.uint8)))


def encode_stack(masks: np.ndarray) -> list[RLE]:
    """Encode masks of one size, (n, H, W), not 0 on the objects."""
    return list(coco.encode(np.asfortranarray((masks != 0).transpose(1, 2, 0), np.uint8)))


def encode_polygons(polygons: Sequence[Sequence[float]], size: tuple[int, int]) -> RLE:
    """Encode the union of polygons [x, y, x, y, ...] in an image of (height, width)."""
    return dict(coco.merge(coco.frPyObjects(polygons, *size)))


def encode_runs(runs: Sequence[int], size: tuple[int, int]) -> RLE:
    """Compress a list of run lengths that fill a mask of (height, width)."""
    return dict(coco.frPyObjects({"size": list(size), "counts": runs}, *size))


def encode_instances(instances: np.ndarray, ids: np.ndarray) -> list[RLE]:
    """Encode objects of an instance map; an object without pixels has an empty mask.

    Args:
        instances: (H, W) ids.
        ids: (n,) of the objects.
    """
    height, width = instances.shape
    values, columns, first, last = object_runs(instances.T)
    order = np.argsort(values, kind="stable")
    values = values[order]
    starts, ends = ((columns * height + side)[order] for side in (first, last))
    masks = []
    for low, high in zip(np.searchsorted(values, ids), np.searchsorted(values, ids, "right")):
        masks.append(_of_edges(starts[low:high], ends[low:high], (height, width)))
    return masks


def encode_patch(patch: np.ndarray, corner: tuple[int, int], size: tuple[int, int]) -> RLE:
    """Encode a mask of a part of an image.

    >>> encode_patch(np.array([[True, True]]), (1, 0), (2, 2))
    {'size': [2, 2], 'counts': b'1110'}

    Args:
        patch: (h, w) bool, within the image.
        corner: (row, column) of its first pixel in the image.
        size: (height, width) of the image.
    """
    rows, columns = patch.shape
    padded = np.zeros((columns, rows + 2), np.int8)
    padded[:, 1:-1] = patch.T
    steps = np.diff(padded, axis=1)
    starts, ends = (
        (corner[1] + column) * size[0] + corner[0] + row
        for column, row in (np.nonzero(steps == 1), np.nonzero(steps == -1))
    )
    return _of_edges(starts, ends, size)


def _of_edges(starts: np.ndarray, ends: np.ndarray, size: tuple[int, int]) -> RLE:
    """Encode runs by their first pixels and the pixels after their last, down the columns."""
    edges = np.stack([starts, ends], axis=1).reshape(-1)
    # A run that reaches the last row may go on in the next column.
    joined = np.flatnonzero(edges[1:-1:2] == edges[2::2])
    edges = np.delete(edges, np.concatenate([2 * joined + 1, 2 * joined + 2]))
    runs = np.diff(edges, prepend=0, append=size[0] * size[1]).tolist()
    # As pycocotools writes them: without an empty run at the end.
    return encode_runs(runs if runs[-1] else runs[:-1], size)


def as_text(mask: Mapping[str, Any]) -> RLE:
    """The mask with `counts` as text, which JSON and COCO's files hold."""
    return {**mask, "counts": mask["counts"].decode("ascii")}


def decode(mask: Mapping[str, Any]) -> np.ndarray:
    """Decode to (H, W) uint8, 1 on the object.

    >>> decode({"size": [2, 2], "counts": b"13"}).tolist()
    [[0, 1], [1, 1]]
    """
    return np.asarray(coco.decode(mask))


def decode_runs(counts: str | bytes | Sequence[int]) -> np.ndarray:
    """Run lengths of one mask, (r,) int64.

    >>> decode_runs("13")
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
    return _undo_differences(values, np.arange(len(values)))


def covered_pixels(counts: Sequence[bytes], digits: int = MAX_DIGITS) -> np.ndarray:
    """Number of pixels that each compressed string covers, (n,) int64; -1 if it is broken.

    pycocotools does not check: it reads on past the end of a string that breaks off.

    >>> covered_pixels([b"523", b"^"])
    array([10, -1])

    Args:
        counts: the strings.
        digits: largest number of digits of a number; longer ones are broken.
    """
    chunks = [counts[i : i + _CHUNK] for i in range(0, len(counts), _CHUNK)]
    return np.concatenate([np.zeros(0, np.int64), *(_covered(part, digits) for part in chunks)])


def _covered(counts: Sequence[bytes], digits: int) -> np.ndarray:
    """`covered_pixels` of one chunk."""
    lengths = np.array([len(string) for string in counts], np.int64)
    good = lengths > 0
    letters = np.frombuffer(b"".join(counts), np.uint8)
    if not len(letters):
        return np.full(len(counts), -1)
    letters = letters - np.uint8(48)  # what was less becomes large
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
    runs = _undo_differences(values, _index_in_group(owner))
    good[owner[runs < 0]] = False
    sums = np.bincount(owner, runs.clip(0), minlength=len(counts)).astype(np.int64)
    return np.where(good, sums, -1)


def _index_in_group(groups: np.ndarray) -> np.ndarray:
    """Index of each element among its equal neighbours: [7, 7, 9] -> [0, 1, 0]."""
    starts = np.flatnonzero(np.append(True, groups[1:] != groups[:-1]))
    return np.arange(len(groups)) - np.repeat(starts, np.diff(starts, append=len(groups)))


def _undo_differences(values: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Runs from differences: from index 3 on, each is relative to the run two before."""
    runs = values.copy()
    for parity in (0, 1):
        chain = np.flatnonzero((index % 2 == parity) & (index > 0))
        if len(chain):
            sums = np.cumsum(values[chain])
            starts = np.flatnonzero(index[chain] <= 2)
            before = sums[starts] - values[chain[starts]]
            runs[chain] = sums - np.repeat(before, np.diff(starts, append=len(chain)))
    return runs
