"""Segments on an image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from densefit.visualize.drawing import draw_mask
from densefit.visualize.instances import draw_instances

from .segments import VOID


def draw_segments(
    image: np.ndarray,
    segments: Mapping[str, np.ndarray],
    classes: Sequence[str],
    thing_classes: Sequence[int],
) -> np.ndarray:
    """Draw segments on a copy: stuff in its class's colour, each thing in a colour of its own.

    Args:
        image: (H, W, 3) uint8.
        segments: "map" (H, W) ids, 0 for void; "ids" (n,) and "classes" (n,) of the segments.
        classes: names of all classes.
        thing_classes: class indices of the things.
    """
    ids, kinds = segments["ids"], segments["classes"]
    is_thing = np.isin(kinds, thing_classes)
    stuff: np.ndarray = np.full(segments["map"].shape, VOID, np.uint8)
    for number, kind in zip(ids[~is_thing], kinds[~is_thing]):
        stuff[segments["map"] == number] = kind
    result = draw_mask(image, stuff, classes, alpha=0.35, contour=False)
    masks = [segments["map"] == number for number in ids[is_thing]]
    boxes = np.array([_box(mask) for mask in masks]).reshape(-1, 4)
    return draw_instances(result, masks, boxes, kinds[is_thing], classes, first_color=len(classes))


def _box(mask: np.ndarray) -> tuple[int, int, int, int]:
    """The xyxy box around the pixels of a mask; zeros for an empty mask."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return 0, 0, 0, 0
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
