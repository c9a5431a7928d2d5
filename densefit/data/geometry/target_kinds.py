"""Target kinds: how transforms treat each named target."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from densefit.errors import ConfigError, DataError

#: Kinds of targets:
#: `boxes`       (n, 4) xyxy, transformed and clipped; boxes that leave the image are dropped;
#: `per_box`     (n, ...), dropped together with the boxes;
#: `area`        (n,), as `per_box`, and scaled with the image (a crop does not change it: it is the
#:               area of the whole object);
#: `keypoints`   (n, K, 3) x, y, visibility (above 0 if labelled), dropped together with the boxes;
#:               a point outside of the image becomes unlabelled. If the image is flipped, left and
#:               right are swapped as another target of the sample determines (`flip`);
#: `map`         (H, W, ...), transformed with the pixels, never interpolated;
#: `map_linear`  (H, W) or (H, W, C) float32, transformed with the pixels and interpolated; use
#:               `map` if some values are unknown, which would be mixed into the others;
#: `vectors`     (H, W, C >= 2), as `map`; the first two components of each pixel's vector point
#:               right (x) and down (y) in the image: flips and rotations of the image flip and
#:               rotate them, resizing does not change them;
#: `plain`       anything that transforms do not change.
KIND_NAMES = ("boxes", "per_box", "area", "keypoints", "map", "map_linear", "vectors", "plain")
#: Kinds with one row per object, which is dropped with the object.
PER_OBJECT = ("boxes", "per_box", "area", "keypoints")


@dataclass(frozen=True)
class Kind:
    """How transforms treat a target.

    Attributes:
        name: one of KIND_NAMES.
        fill: value of a map outside of its image.
        flip: name of the target, (K,) int64, with the index of each keypoint in a flipped image:
            `order[left_hand] == right_hand` and vice versa.
        boxes: name of the boxes that the target belongs to; "" if it names none.
        role: what the target says of these boxes, one of `MEMBERS`; "" for anything else.
    """

    name: str
    fill: int | float = 0
    flip: str = ""
    boxes: str = ""
    role: str = ""


#: What belongs to boxes. Transforms find it by the role, since a sample may have several boxes.
MEMBERS: dict[str, Kind] = {
    "classes": Kind("per_box"),
    "difficult": Kind("per_box"),
    "crowd": Kind("per_box"),
    "area": Kind("area"),
    "keypoints": Kind("keypoints", flip="keypoint_flip"),
    "keypoint_flip": Kind("plain"),
    "instances": Kind("map", 0),
    "instance_ids": Kind("per_box"),
    "instance_masks": Kind("per_box"),  # masks of the original image
    "known_classes": Kind("plain"),
}
KINDS: dict[str, Kind] = {
    "boxes": Kind("boxes"),
    **{role: replace(kind, boxes="boxes", role=role) for role, kind in MEMBERS.items()},
    "mask": Kind("map", 255),
    "label": Kind("plain"),
    "labels": Kind("plain"),
    "known_mask_classes": Kind("plain"),
    "depth": Kind("map", 0),  # 0 is unknown, and must not be averaged with depths
    "normals": Kind("vectors", 0),
    "edges": Kind("map", 255),
    "stripes": Kind("map", 255),
    "drivable": Kind("map", 255),
    "lanes": Kind("map", 255),
}


def declare_target(
    name: str,
    kind: str,
    fill: int | float = 0,
    flip: str = "",
    boxes: str = "",
    role: str = "",
) -> None:
    """Declare how transforms treat a custom target.

    >>> declare_target("saliency", "map_linear", fill=0.0)

    Args:
        name: key in `Sample.targets`.
        kind: one of KIND_NAMES.
        fill: value of a map outside of the image (padding).
        flip: for keypoints, the name of the target with their order in a flipped image; see `Kind`.
        boxes: name of the boxes that it belongs to, for samples with several. `declare_boxes`
            declares further boxes with all that belongs to them.
        role: what it says of these boxes, one of MEMBERS.

    Raises:
        ConfigError: unknown kind or role, keypoints without `flip` (or another kind with it), or
            the name is already declared differently.
    """
    if kind not in KIND_NAMES:
        raise ConfigError(f"Unknown kind of target {kind!r}", expected=", ".join(KIND_NAMES))
    if (kind == "keypoints") != bool(flip):
        raise ConfigError(
            f"Keypoints need `flip`, and nothing else does (target {name!r})",
            expected="the name of the target with their order in a mirrored image",
            received=f"kind {kind!r}, flip {flip!r}",
            fix=f'declare_target({name!r}, "keypoints", flip="keypoint_flip")',
        )
    if role and role not in MEMBERS:
        raise ConfigError(
            f"Unknown role of the target {name!r}",
            expected=f"one of {', '.join(MEMBERS)}",
            received=repr(role),
            fix="leave out the role of a target that only goes with its boxes",
        )
    declared, before = Kind(kind, fill, flip, boxes, role), KINDS.get(name)
    if before is not None:  # what is left out stays, and may be added
        declared = replace(declared, boxes=boxes or before.boxes, role=role or before.role)
        before = replace(before, boxes=before.boxes or boxes, role=before.role or role)
    if before is not None and before != declared:
        raise ConfigError(
            f"The target {name!r} is already declared otherwise",
            expected=KINDS[name],
            received=declared,
            fix="give it another name",
        )
    KINDS[name] = declared


def kind_of(name: str, array: np.ndarray) -> Kind:
    """Declared kind of a target; scalars need no declaration.

    Raises:
        DataError: an undeclared array: it might have to be transformed with the image.
    """
    kind = KINDS.get(name)
    if kind is None:
        if np.ndim(array) == 0:
            return Kind("plain")
        raise DataError(
            f"The transforms do not know how the target {name!r} moves with the image",
            received=f"an array of shape {np.shape(array)}",
            fix=f"declare_target({name!r}, kind) with one of: {', '.join(KIND_NAMES)}",
        )
    return kind
