"""Copy-paste of objects between images."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import NamedTuple

import cv2
import numpy as np

from densefit.data.geometry.box_members import box_names, member
from densefit.data.geometry.instance_map import NONE, UNKNOWN, extents
from densefit.data.geometry.keypoints import pixels_under
from densefit.data.geometry.ops import apply_ops, crop_op
from densefit.data.geometry.target_kinds import kind_of
from densefit.data.geometry.transform_targets import crowd_flags
from densefit.data.sample import Sample
from densefit.data.transforms.crop import offset
from densefit.data.transforms.extra_samples import Draw
from densefit.data.transforms.merge_samples import (
    MAPS,
    Prepare,
    common_targets,
    concatenate_rows,
    intersect_known_classes,
    merge_plain,
    merged_geometry,
    prepare_samples,
    renumber_instances,
)
from densefit.data.transforms.rescale import scaling
from densefit.data.transforms.transform import checked_range, transforms
from densefit.errors import ConfigError, DataError


class _Objects(NamedTuple):
    """Names of the targets that describe the objects."""

    boxes: str
    instances: str
    ids: str


@transforms.register("copy_paste")
class CopyPaste:
    """Paste random objects of a further image over this one, with probability `p`.

    Ghiasi et al., "Simple Copy-Paste is a Strong Data Augmentation Method for Instance
    Segmentation", CVPR 2021 (arXiv:2012.07177). The further image is resized to fit this one, times
    a factor in [low, high], and placed at a random position. Each of its objects inside the image
    is pasted with probability one half, and at least one if there are any. Crowds are not pasted.

    Partly occluded objects get the box of their visible part, and a proportional area. Objects with
    a visible fraction below `visible` are dropped; their pixels stay. Visible parts of crowds stay.
    Occluded keypoints become hidden. Samples without `boxes`, `instances` and `instance_ids` are
    not changed. All maps get the values of the pasted pixels.

    Args:
        p: probability.
        low: lowest factor on the size that fits.
        high: highest factor.
        visible: least visible fraction of an object's pixels.
        blend: standard deviation, in pixels, of the blur of pasted edges; 0 for sharp edges. The
            authors found no effect.
        drop: targets that are removed from such images; must include `label` and `labels`.
        prepare: (sample, rng) -> sample, applied to the further sample first, e.g. a flip.
    """

    others = 1

    def __init__(
        self,
        p: float = 0.5,
        low: float = 0.5,
        high: float = 1.5,
        visible: float = 0.1,
        blend: float = 0.0,
        drop: Collection[str] = (),
        prepare: Prepare = None,
    ) -> None:
        self.p = checked_range("p", p, 0.0, 1.0, "CopyPaste")
        self.visible = checked_range("visible", visible, 0.0, 1.0, "CopyPaste")
        self.blend = checked_range("blend", blend, 0.0, 20.0, "CopyPaste")
        if not 0 < low <= high:
            raise ConfigError(
                "The range of scales must be positive and in order",
                received=f"low={low}, high={high}",
                where="CopyPaste",
            )
        self.low, self.high = low, high
        self.drop, self.prepare = tuple(drop), prepare

    def __call__(self, sample: Sample, rng: np.random.Generator, draw: Draw) -> Sample:
        """Paste objects with probability `p`."""
        if rng.random() >= self.p:
            return sample
        (other,) = prepare_samples(draw(1), self.prepare, rng)
        names = common_targets([sample, other], self.drop)
        if (objects := _objects(names, sample)) is None:
            return sample
        sample, other = intersect_known_classes([sample, other])
        names = common_targets([sample, other], self.drop)
        sample, other = (
            replace(each, targets={name: each.targets[name] for name in names})
            for each in (sample, other)
        )
        below, above = renumber_instances(
            [sample, self._placed(other, sample.image.shape[:2], rng)]
        )
        chosen = _draw_objects(above, objects, rng)
        ids = above.targets[objects.ids][chosen]
        is_pasted = np.zeros(UNKNOWN + 1, bool)
        is_pasted[ids] = True
        pasted = is_pasted[above.targets[objects.instances]]
        left, changes = _occluded(below, objects, pasted, self.visible)
        targets = {}
        for name in names:
            first, second = below.targets[name], above.targets[name]
            kind = kind_of(name, first).name
            if kind in MAPS:
                targets[name] = first.copy()
                targets[name][pasted] = second[pasted]
            elif kind == "plain":
                targets[name] = merge_plain(name, [below, above], "CopyPaste", either=False)
            else:
                targets[name] = concatenate_rows([changes.get(name, first)[left], second[chosen]])
        image = _blend(sample.image, above.image, pasted, self.blend)
        geometry = merged_geometry(
            sample, image.shape, "objects of another image were pasted into it"
        )
        return replace(sample, image=image, targets=targets, geometry=geometry)

    def _placed(self, other: Sample, size: tuple[int, ...], rng: np.random.Generator) -> Sample:
        """Place the further sample in an image of `size`, at a random position and scale."""
        height, width = other.image.shape[:2]
        fits = min(size[0] / height, size[1] / width)
        scale = scaling((height, width), fits * rng.uniform(self.low, self.high))
        top, left = (offset(there, here, rng) for there, here in zip(scale.size, size))
        return apply_ops(other, [scale, crop_op(left, top, size[1], size[0])])

    def __repr__(self) -> str:
        settings = (self.p, self.low, self.high, self.visible, self.blend, self.drop)
        about = "" if self.prepare is None else f", prepare={self.prepare!r}"
        return f"CopyPaste{settings}{about}"


def _objects(names: Sequence[str], sample: Sample) -> _Objects | None:
    """Boxes with instances among targets; None if there are none. DataError for several boxes."""
    boxes = box_names(names)
    if len(boxes) > 1:
        raise DataError(
            "Objects of one set of boxes are pasted, and the sample has several",
            expected="one, since it is unknown which objects of the others a pasted one covers",
            received=", ".join(boxes),
            where=f"sample {sample.id!r}, CopyPaste",
            fix=f"drop={boxes[1:]!r}: heads of these boxes then learn nothing from such images; "
            "or leave CopyPaste out",
        )
    if not boxes:
        return None
    instances, ids = (member(names, boxes[0], role) for role in ("instances", "instance_ids"))
    return None if instances is None or ids is None else _Objects(boxes[0], instances, ids)


def _draw_objects(sample: Sample, names: _Objects, rng: np.random.Generator) -> np.ndarray:
    """Draw the rows of pasted objects: each with probability 1/2, at least one if any."""
    ids = sample.targets[names.ids]
    crowd = crowd_flags(sample, names.boxes)
    visible_ids = extents(sample.targets[names.instances])[0]
    able = np.flatnonzero((ids != NONE) & ~crowd & np.isin(ids, visible_ids))
    is_pasted = rng.random(len(able)) < 0.5
    if len(able) and not is_pasted.any():
        is_pasted[rng.integers(len(able))] = True
    return able[is_pasted]


def _occluded(
    sample: Sample, names: _Objects, pasted: np.ndarray, visible: float
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Update the objects of a sample that pasted pixels occlude.

    Args:
        sample: below.
        names: names of its boxes and instances.
        pasted: (H, W) bool.
        visible: least visible fraction of an object's pixels.

    Returns:
        (n,) bool, the objects that remain; and the changed targets of all objects.
    """
    targets = sample.targets
    ids, instances = targets[names.ids], targets[names.instances]
    whole = np.bincount(instances.reshape(-1), minlength=UNKNOWN + 1)[ids]
    hidden = np.bincount(instances[pasted], minlength=UNKNOWN + 1)[ids]
    share = 1 - hidden / np.maximum(whole, 1)
    share[(ids == NONE) | (whole == 0)] = 1.0  # their pixels are unknown
    cut = share < 1.0
    boxes = targets[names.boxes].copy()
    there, around = extents(np.where(pasted, NONE, instances)) if cut.any() else (ids[:0], boxes)
    for row in np.flatnonzero(cut & np.isin(ids, there)):
        # Not beyond the annotated box, which may be clipped or drawn by hand.
        inner = around[np.searchsorted(there, ids[row])]
        boxes[row, :2] = np.maximum(boxes[row, :2], inner[:2])
        boxes[row, 2:] = np.minimum(boxes[row, 2:], inner[2:])
    changes = {names.boxes: boxes}
    for name, array in targets.items():
        kind = kind_of(name, array).name
        if kind == "area":
            changes[name] = (array * share).astype(array.dtype)
        elif kind == "keypoints":
            changes[name] = _hidden(array, pasted)
    solid = (boxes[:, 2:] - boxes[:, :2] >= 1 - 1e-3).all(axis=1) | ~cut
    enough = (share >= visible) | crowd_flags(sample, names.boxes)  # crowds remain
    return ~cut | ((share > 0) & enough & solid), changes


def _hidden(points: np.ndarray, pasted: np.ndarray) -> np.ndarray:
    """Set the visibility of keypoints under pasted pixels to 1 (hidden)."""
    columns, lines = np.moveaxis(pixels_under(points, pasted.shape), -1, 0)
    points = points.copy()
    seen = points[..., 2]
    points[..., 2] = np.where(pasted[lines, columns], np.minimum(seen, 1), seen)
    return points


def _blend(below: np.ndarray, above: np.ndarray, pasted: np.ndarray, blend: float) -> np.ndarray:
    if not blend:
        image = below.copy()
        cv2.copyTo(above, pasted.astype(np.uint8), image)
        return image
    share = cv2.GaussianBlur(pasted.astype(np.float32), (0, 0), blend)[..., None]
    return np.rint(below + (above.astype(np.float32) - below) * share).astype(np.uint8)
