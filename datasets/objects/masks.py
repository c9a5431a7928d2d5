"""Paint the segmentations of an image into one map, of classes or of instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.data.geometry import rle
from densefit.data.geometry.instance_map import UNKNOWN
from densefit.datasets.files.masks import IGNORE
from densefit.errors import DataError

from .segmentation import faults, string_of, usable_parts


def paint(
    objects: Sequence[Mapping[str, Any]],
    size: tuple[int, int],
    where: object,
    in_order: bool = False,
) -> np.ndarray:
    """(H, W) uint8: 0 where nothing is, class + 1 where an object is, 255 for crowds.

    Crowds are painted first and then the objects from the largest to the smallest, so that small
    ones stay visible.

    Args:
        objects: with "class" (at most 253), "crowd", "area" and "segmentation" (polygons or run
            lengths).
        size: (height, width) of the image.
        where: named in errors.
        in_order: objects are painted in their order, later ones over earlier ones.

    Raises:
        DataError: an object has no segmentation or a broken one.
    """
    mask = np.zeros(size, np.uint8)
    _check([entry["segmentation"] for entry in objects], size, where)
    for entry in (objects[index] for index in _painting_order(objects, in_order)):
        value = IGNORE if entry["crowd"] else entry["class"] + 1
        mask[rle.decode(_compressed(entry["segmentation"], size)) > 0] = value
    return mask


def paint_instances(
    objects: Sequence[Mapping[str, Any]],
    size: tuple[int, int],
    where: object,
    in_order: bool = False,
) -> tuple[np.ndarray, np.ndarray]:
    """The map of the objects' ids, painted in the order of `paint`, and each whole mask.

    Arguments and errors are those of `paint`; more objects than ids are an error, too.

    Returns:
        (H, W) uint16, 1 + the object's index; and (n,) object, compressed run lengths.
    """
    if len(objects) >= UNKNOWN:
        raise DataError(
            "There are more objects in a picture than ids",
            expected=f"less than {UNKNOWN}",
            received=len(objects),
            where=where,
        )
    instances: np.ndarray = np.zeros(size, np.uint16)
    masks: np.ndarray = np.empty(len(objects), object)
    _check([entry["segmentation"] for entry in objects], size, where)
    for index, entry in enumerate(objects):
        masks[index] = _compressed(entry["segmentation"], size)
    for index in _painting_order(objects, in_order):
        instances[rle.decode(masks[index]) > 0] = index + 1
    return instances, masks


def _painting_order(objects: Sequence[Mapping[str, Any]], in_order: bool) -> list[int]:
    """Indices of objects: crowds first, then from the largest to the smallest or in order."""
    return sorted(
        range(len(objects)),
        key=lambda i: (not objects[i]["crowd"], 0 if in_order else -objects[i]["area"]),
    )


def decode(segmentation: Any, size: tuple[int, int], where: object) -> np.ndarray:
    """(H, W) bool of one segmentation: polygons, run lengths as a list or as a string."""
    return np.asarray(rle.decode(run_lengths(segmentation, size, where)), bool)


def run_lengths(segmentation: Any, size: tuple[int, int], where: object) -> dict[str, Any]:
    """One segmentation as compressed run lengths, {"size", "counts"}.

    Raises:
        DataError: it is not usable, see `faults`.
    """
    _check([segmentation], size, where)
    return _compressed(segmentation, size)


def _check(segmentations: Sequence[Any], size: tuple[int, int], where: object) -> None:
    """Raise DataError about the first segmentation that is not usable."""
    for index, why in sorted(faults(segmentations, [size] * len(segmentations)).items()):
        raise DataError(
            f"A segmentation is not usable: an object {why}",
            expected=f"polygons of three or more corners, or run lengths of size {list(size)}",
            received=repr(segmentations[index])[:80],
            where=where,
        )


def _compressed(segmentation: Any, size: tuple[int, int]) -> dict[str, Any]:
    """A segmentation without faults as compressed run lengths, {"size", "counts"}."""
    if isinstance(segmentation, list):
        return rle.encode_polygons(usable_parts(segmentation), size)
    counts = segmentation["counts"]
    if isinstance(counts, list):
        return rle.encode_runs(counts, size)
    return {"size": list(size), "counts": string_of(counts)}
