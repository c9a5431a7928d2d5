"""Moves of a whole sample: crop, resize, mirror, turn. Image, targets and geometry together.

Coordinates are continuous: pixel j covers [j, j + 1). Resizing by s maps x to s x, mirroring maps
x to W - x. A box is clipped to the new picture; it is dropped, with its per-box arrays, if its
centre is outside or one of its sides is below one pixel. Keypoints change places where the map
mirrors, in whichever direction, and are no longer labelled outside of the new picture.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Union

import cv2
import numpy as np

from densefit.data.keypoints import is_swap, move_keypoints
from densefit.data.sample import Sample
from densefit.data.target import Kind, kind_of
from densefit.errors import DataError

Fill = Union[int, Sequence[int]]
GREY = 114  # close to the mean of natural pictures
_MIN_SIDE = 1.0 - 1e-3  # one pixel, less what float32 loses


def crop(sample: Sample, left: int, top: int, width: int, height: int, fill: Fill = GREY) -> Sample:
    """Cut a window of whole pixels; where it leaves the picture, `fill` and the maps' fills."""
    matrix = np.array([[1.0, 0.0, -left], [0.0, 1.0, -top]])
    image = _crop_image(sample.image, left, top, width, height, fill)

    def move_map(array: np.ndarray, kind: Kind) -> np.ndarray:
        return _crop_map(array, left, top, width, height, kind.fill)

    return _moved(sample, image, matrix, move_map)


def resize(sample: Sample, height: int, width: int) -> Sample:
    """Stretch to `height` x `width` pixels."""
    old_height, old_width = sample.image.shape[:2]
    if (old_height, old_width) == (height, width):
        return sample
    matrix = np.array([[width / old_width, 0.0, 0.0], [0.0, height / old_height, 0.0]])
    image = resize_image(sample.image, height, width)

    def move_map(array: np.ndarray, kind: Kind) -> np.ndarray:
        if kind.name == "map_linear":
            return np.asarray(
                cv2.resize(array, (width, height), interpolation=cv2.INTER_LINEAR)
            ).reshape((height, width) + array.shape[2:])
        return resize_nearest(array, height, width)

    return _moved(sample, image, matrix, move_map)


def mirror(sample: Sample, vertical: bool = False) -> Sample:
    """Swap left and right (or top and bottom)."""
    height, width = sample.image.shape[:2]
    if vertical:
        matrix = np.array([[1.0, 0.0, 0.0], [0.0, -1.0, height]])
    else:
        matrix = np.array([[-1.0, 0.0, width], [0.0, 1.0, 0.0]])
    axis = 0 if vertical else 1
    image = np.asarray(cv2.flip(sample.image, axis))

    def move_map(array: np.ndarray, kind: Kind) -> np.ndarray:
        return np.ascontiguousarray(np.flip(array, axis))

    return _moved(sample, image, matrix, move_map)


def turn(sample: Sample, quarters: int) -> Sample:
    """Turn by quarter turns, counter-clockwise."""
    for _ in range(quarters % 4):
        width = sample.image.shape[1]
        matrix = np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, width]])
        image = np.ascontiguousarray(np.rot90(sample.image))
        sample = _moved(
            sample, image, matrix, lambda array, kind: np.ascontiguousarray(np.rot90(array))
        )
    return sample


def resize_image(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """(H, W, 3) uint8 to (height, width, 3): bilinear, or area means if shrunk by more than 2."""
    shrinks = image.shape[0] > 2 * height or image.shape[1] > 2 * width
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (width, height), interpolation=how))


def resize_nearest(array: np.ndarray, height: int, width: int) -> np.ndarray:
    """(H, W, ...) of any type to (height, width, ...): the pixel under each new pixel's centre.

    cv2.INTER_NEAREST takes the pixel under the corner, half a pixel off the resized image.
    """
    rows = ((np.arange(height) + 0.5) * (array.shape[0] / height)).astype(np.intp)
    columns = ((np.arange(width) + 0.5) * (array.shape[1] / width)).astype(np.intp)
    return np.asarray(array.take(rows, axis=0).take(columns, axis=1))


def move_boxes(boxes: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """(n, 4) xyxy boxes under a (2, 3) map of quarter turns, scales and shifts; float64."""
    corners = np.asarray(boxes, np.float64).reshape(-1, 2, 2)
    moved = corners @ matrix[:, :2].T + matrix[:, 2]
    return np.concatenate([moved.min(axis=1), moved.max(axis=1)], axis=1)


def turn_vectors(vectors: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """(..., C) vectors of a picture under a (2, 3) map of quarter turns, mirrors and scales.

    The first two components (x right, y down) are mirrored and turned. Scales do not matter: a
    vector is one of the scene, and a picture that is stretched is one of the same scene.

    >>> turn_vectors(np.array([0.6, 0.0, 0.8]), np.array([[-1.0, 0.0, 9.0], [0.0, 1.0, 0.0]]))
    array([-0.6,  0. ,  0.8])
    """
    signs = np.sign(matrix[:, :2]).astype(vectors.dtype)
    if np.array_equal(signs, np.eye(2)):
        return vectors
    turned = vectors.copy()
    turned[..., :2] = vectors[..., :2] @ signs.T
    return turned


def _crop_image(
    image: np.ndarray, left: int, top: int, width: int, height: int, fill: Fill
) -> np.ndarray:
    old_height, old_width = image.shape[:2]
    if 0 <= left and 0 <= top and left + width <= old_width and top + height <= old_height:
        return image[top : top + height, left : left + width]
    x1, y1 = min(max(left, 0), old_width), min(max(top, 0), old_height)
    x2, y2 = max(min(left + width, old_width), x1), max(min(top + height, old_height), y1)
    colour = (fill,) * 3 if isinstance(fill, int) else tuple(fill)
    if x1 == x2 or y1 == y2:
        return np.full((height, width, 3), colour, np.uint8)
    before_x, before_y = x1 - left, y1 - top
    return np.asarray(
        cv2.copyMakeBorder(
            image[y1:y2, x1:x2],
            before_y,
            height - before_y - (y2 - y1),
            before_x,
            width - before_x - (x2 - x1),
            cv2.BORDER_CONSTANT,
            value=colour,
        )
    )


def _crop_map(
    array: np.ndarray, left: int, top: int, width: int, height: int, fill: int | float
) -> np.ndarray:
    old_height, old_width = array.shape[:2]
    x1, y1 = min(max(left, 0), old_width), min(max(top, 0), old_height)
    x2, y2 = max(min(left + width, old_width), x1), max(min(top + height, old_height), y1)
    if (x2 - x1, y2 - y1) == (width, height):
        return array[y1:y2, x1:x2]
    window = np.full((height, width) + array.shape[2:], fill, array.dtype)
    window[y1 - top : y2 - top, x1 - left : x2 - left] = array[y1:y2, x1:x2]
    return window


def _moved(
    sample: Sample,
    image: np.ndarray,
    matrix: np.ndarray,
    move_map: Callable[[np.ndarray, Kind], np.ndarray],
) -> Sample:
    """The sample with a moved image, and everything else moved by the same `matrix`."""
    height, width = image.shape[:2]
    kinds = {name: kind_of(name, array) for name, array in sample.targets.items()}
    counts: dict[str, np.ndarray] = {}
    targets: dict[str, np.ndarray] = {}
    for name, kind in kinds.items():
        if kind.name == "boxes":
            boxes, counts[name] = _clip(move_boxes(sample.targets[name], matrix), height, width)
            targets[name] = boxes
    for name, kind in kinds.items():
        array = sample.targets[name]
        if kind.name in ("per_box", "area"):
            targets[name] = _keep(sample, name, counts.get("boxes"))
            if kind.name == "area":
                scale = abs(np.linalg.det(matrix[:, :2]))
                targets[name] = (targets[name] * scale).astype(array.dtype)
        elif kind.name == "keypoints":
            points = _keep(sample, name, counts.get("boxes"))
            swap = _swap(sample, name, kind) if np.linalg.det(matrix[:, :2]) < 0 else None
            targets[name] = move_keypoints(points, matrix, (height, width), swap)
        elif kind.name in ("map", "map_linear", "vectors"):
            if array.shape[:2] != sample.image.shape[:2]:
                raise DataError(
                    f"The target {name!r} is not of its image's size",
                    expected=f"{sample.image.shape[:2]} (height, width)",
                    received=f"{array.shape}",
                    where=f"sample {sample.id!r}",
                )
            targets[name] = move_map(array, kind)
            if kind.name == "vectors":
                targets[name] = turn_vectors(targets[name], matrix)
        elif kind.name == "plain":
            targets[name] = array
    targets = {name: targets[name] for name in sample.targets}
    geometry = sample.geometry
    if geometry is not None:
        geometry = geometry.then(matrix, (height, width))
    return replace(sample, image=image, targets=targets, geometry=geometry)


def _clip(boxes: np.ndarray, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Boxes (m, 4) float32 that stay in the picture, and which of the n they are, (n,) bool."""
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    inside = ((centre >= 0) & (centre <= (width, height))).all(axis=1)
    boxes = boxes.clip(0, (width, height, width, height))
    keep = inside & ((boxes[:, 2:] - boxes[:, :2]) >= _MIN_SIDE).all(axis=1)
    return boxes[keep].astype(np.float32), keep


def _keep(sample: Sample, name: str, keep: np.ndarray | None) -> np.ndarray:
    """The rows of a per-box target that belong to the boxes that stay."""
    array = sample.targets[name]
    if keep is None or len(array) != len(keep):
        raise DataError(
            f"The target {name!r} does not have one row a box",
            expected="no boxes at all" if keep is None else f"{len(keep)} rows",
            received=f"shape {array.shape}",
            where=f"sample {sample.id!r}",
        )
    return np.asarray(array[keep])


def _swap(sample: Sample, name: str, kind: Kind) -> np.ndarray:
    """Which keypoint each one is in a mirrored picture, as the sample says."""
    order, count = sample.targets.get(kind.flip), sample.targets[name].shape[1]
    if order is None or not is_swap(order, count):
        raise DataError(
            f"The target {name!r} does not say what changes places in a mirrored picture",
            expected=f"{kind.flip!r}: {count} indices, each of a pair at the other's place",
            received="none" if order is None else f"{np.asarray(order).tolist()}"[:80],
            where=f"sample {sample.id!r}",
            fix=f"give the samples one; np.arange({count}) if nothing has a left and a right",
        )
    return np.asarray(order)
