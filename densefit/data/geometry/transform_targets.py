"""Transform all targets of a sample with its image.

A box is clipped to the new image; it is dropped, with its per-box arrays, if its centre is outside
or one of its sides is below one pixel. A `crowd` stays wherever its centre is: it trains nothing,
but its visible part would be background without it.

Keypoints are reordered where the map flips, and are no longer labelled outside of the new image.

Under a rotation or shear, a box becomes the box around its transformed corners, which is larger
than its object. If the sample has `instances`, it becomes the box around the transformed object
instead, if the object filled its box before (an occluded one does not).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from densefit.data.geometry.box_members import boxes_of, member
from densefit.data.geometry.instance_map import NONE, extents
from densefit.data.geometry.keypoints import is_swap, move_keypoints
from densefit.data.geometry.target_kinds import Kind, kind_of
from densefit.data.homography import (
    area_scales,
    is_affine,
    is_straight,
    mirrors,
    move_boxes,
    rotate_vectors,
)
from densefit.data.sample import Sample
from densefit.errors import DataError

MIN_SIDE = 1.0 - 1e-3  # one pixel, less what float32 loses
_BOX_MARGIN = 1.5  # pixels that a box may exceed its object on each side


def transform_targets(
    sample: Sample,
    image: np.ndarray,
    matrix: np.ndarray,
    map_op: Callable[[np.ndarray, Kind], np.ndarray],
) -> Sample:
    """Return the sample with a transformed image, and all targets under the same map.

    Args:
        sample: before the transform.
        image: (H, W, 3) uint8, the transformed image.
        matrix: (2, 3) or (3, 3) map from pixels of the sample to pixels of `image`.
        map_op: applies the transform to a target of (height, width).
    """
    height, width = image.shape[:2]
    kinds = {name: kind_of(name, array) for name, array in sample.targets.items()}
    targets: dict[str, np.ndarray] = {}
    keep: dict[str, np.ndarray] = {}  # of each boxes, by their name
    for name, kind in kinds.items():
        if kind.name == "boxes":
            boxes = _boxes(sample, name, matrix)
            targets[name], keep[name] = clip_boxes(boxes, height, width, crowd_flags(sample, name))
    for name, kind in kinds.items():
        array = sample.targets[name]
        if kind.name == "per_box":
            targets[name] = _kept_rows(sample, name, keep)
        elif kind.name == "area":
            targets[name] = _areas(sample, name, keep, matrix)
        elif kind.name == "keypoints":
            points = _kept_rows(sample, name, keep)
            swap = flip_order(sample, name, kind) if mirrors(matrix) else None
            targets[name] = move_keypoints(points, matrix, (height, width), swap)
        elif kind.name in ("map", "map_linear", "vectors"):
            _check_size(sample, name)
            if kind.name == "vectors":
                _check_affine(sample, name, matrix)
            targets[name] = map_op(array, kind)
            if kind.name == "vectors":
                targets[name] = rotate_vectors(targets[name], matrix)
        elif kind.name == "plain":
            targets[name] = array
    targets = {name: targets[name] for name in sample.targets}
    geometry = sample.geometry
    if geometry is not None:
        geometry = geometry.then(matrix, (height, width))
    return replace(sample, image=image, targets=targets, geometry=geometry)


def clip_boxes(
    boxes: np.ndarray, height: int, width: int, crowd: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Clip boxes to the image: (m, 4) float32 that remain, and (n,) bool which they are.

    Args:
        boxes: (n, 4) xyxy, parts of which may be outside.
        height: height of the image.
        width: width of the image.
        crowd: (n,) bool, boxes that stay even if their centre is outside.
    """
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    inside = ((centre >= 0) & (centre <= (width, height))).all(axis=1)
    if crowd is not None:
        inside |= crowd
    boxes = boxes.clip(0, (width, height, width, height))
    keep = inside & ((boxes[:, 2:] - boxes[:, :2]) >= MIN_SIDE).all(axis=1)
    return boxes[keep].astype(np.float32), keep


def crowd_flags(sample: Sample, boxes: str) -> np.ndarray:
    """(n,) bool, which of the sample's boxes of this name enclose crowds. Raises DataError."""
    everywhere = np.ones(len(sample.targets[boxes]), bool)
    crowd = member(sample.targets, boxes, "crowd")
    if crowd is None:
        return ~everywhere
    return _kept_rows(sample, crowd, {boxes: everywhere}).astype(bool)


def _boxes(sample: Sample, name: str, matrix: np.ndarray) -> np.ndarray:
    """(n, 4) float64 transformed boxes, not clipped."""
    boxes = sample.targets[name]
    around = move_boxes(boxes, matrix)
    map_name, ids_name = (member(sample.targets, name, r) for r in ("instances", "instance_ids"))
    if is_straight(matrix) or map_name is None or ids_name is None:
        return around
    _check_size(sample, map_name)
    instances, ids = sample.targets[map_name], sample.targets[ids_name]
    present, before = extents(instances)
    _, after = extents(instances, matrix)
    for row, instance in enumerate(ids):
        index = int(np.searchsorted(present, instance))
        if instance == NONE or index == len(present) or present[index] != instance:
            continue
        if (np.abs(before[index] - boxes[row]) <= _BOX_MARGIN).all():
            around[row] = after[index]
    return around


def _areas(
    sample: Sample, name: str, keep: Mapping[str, np.ndarray], matrix: np.ndarray
) -> np.ndarray:
    areas = _kept_rows(sample, name, keep)
    owner = str(boxes_of(name, sample.targets, f"sample {sample.id!r}"))
    boxes = sample.targets[owner][keep[owner]].astype(np.float64)
    factors = area_scales((boxes[:, :2] + boxes[:, 2:]) / 2, matrix)
    return np.asarray((areas * factors).astype(areas.dtype))


def _kept_rows(sample: Sample, name: str, keep: Mapping[str, np.ndarray]) -> np.ndarray:
    """Rows of a per-box target whose boxes remain."""
    array = sample.targets[name]
    boxes = boxes_of(name, sample.targets, f"sample {sample.id!r}")
    rows = None if boxes is None else keep[boxes]
    if rows is None or len(array) != len(rows):
        raise DataError(
            f"The target {name!r} does not have one row a box",
            expected="no boxes at all" if rows is None else f"{len(rows)} rows, as {boxes!r} has",
            received=f"shape {array.shape}",
            where=f"sample {sample.id!r}",
        )
    return np.asarray(array[rows])


def flip_order(sample: Sample, name: str, kind: Kind) -> np.ndarray:
    """(K,) index of each keypoint in a flipped image, from the sample's target."""
    order, count = sample.targets.get(kind.flip), sample.targets[name].shape[1]
    if order is None or not is_swap(order, count):
        raise DataError(
            f"The target {name!r} does not declare what is swapped in a mirrored image",
            expected=f"{kind.flip!r}: {count} indices, each of a pair at the other's place",
            received="none" if order is None else f"{np.asarray(order).tolist()}"[:80],
            where=f"sample {sample.id!r}",
            fix="give the dataset `keypoint_names` with left and right in them, or `flip_pairs`, "
            "pairs of these names ([] if nothing has a left and a right)",
        )
    return np.asarray(order)


def _check_size(sample: Sample, name: str) -> None:
    if sample.targets[name].shape[:2] != sample.image.shape[:2]:
        raise DataError(
            f"The target {name!r} is not of its image's size",
            expected=f"{sample.image.shape[:2]} (height, width)",
            received=f"{sample.targets[name].shape}",
            where=f"sample {sample.id!r}",
        )


def _check_affine(sample: Sample, name: str, matrix: np.ndarray) -> None:
    if not is_affine(matrix):
        raise DataError(
            f"The vectors of the target {name!r} cannot follow a change of perspective",
            expected="turns, mirrors, scales, shifts and shears",
            received="a homography: another direction of view, in which each vector is another",
            where=f"sample {sample.id!r}",
            fix="leave out random_perspective (random_affine turns vectors)",
        )
