"""How each named target moves with its image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from densefit.errors import ConfigError, DataError

#: What a target can be:
#: `boxes`       (n, 4) xyxy, moved and clipped; lost boxes are dropped;
#: `per_box`     (n, ...), dropped together with the boxes;
#: `area`        (n,), as `per_box`, and scaled with the picture (a crop leaves it alone: it is the
#:               area of the whole object);
#: `keypoints`   (n, K, 3) x, y, visibility (over 0 if labelled), dropped together with the boxes; a
#:               point outside of the picture is no longer labelled. Where the picture is mirrored,
#:               left and right change places as another target of the sample says (`flip`);
#: `map`         (H, W, ...), moved with the pixels, never interpolated;
#: `map_linear`  (H, W) or (H, W, C) float32, moved with the pixels and interpolated: where some
#:               values are unknown, they would be mixed into the known ones, so take `map` there;
#: `vectors`     (H, W, C >= 2) numbers, as `map`, each pixel a vector whose first two components
#:               point right (x) and down (y) in the picture: mirroring and turning the picture
#:               mirrors and turns them, resizing leaves them alone;
#: `plain`       anything that stays as it is.
KIND_NAMES = ("boxes", "per_box", "area", "keypoints", "map", "map_linear", "vectors", "plain")
#: Those that have a row for each object, and lose it with the object.
PER_OBJECT = ("boxes", "per_box", "area", "keypoints")


@dataclass(frozen=True)
class Kind:
    """How a target moves.

    Attributes:
        name: one of KIND_NAMES.
        fill: what a map is filled with outside of its picture.
        flip: name of the target, (K,) int64, that says which keypoint each one is in a mirrored
            picture: `order[left_hand] == right_hand` and the other way round.
    """

    name: str
    fill: int | float = 0
    flip: str = ""


KINDS: dict[str, Kind] = {
    "boxes": Kind("boxes"),
    "classes": Kind("per_box"),
    "difficult": Kind("per_box"),
    "crowd": Kind("per_box"),
    "area": Kind("area"),
    "keypoints": Kind("keypoints", flip="keypoint_flip"),
    "keypoint_flip": Kind("plain"),
    "mask": Kind("map", 255),
    "instances": Kind("map", 0),
    "instance_ids": Kind("per_box"),
    "instance_masks": Kind("per_box"),  # they stay those of the original picture
    "label": Kind("plain"),
    "labels": Kind("plain"),
    "known_classes": Kind("plain"),
    "known_mask_classes": Kind("plain"),
    "depth": Kind("map", 0),  # 0 is unknown, and must not be averaged with what is known
    "normals": Kind("vectors", 0),
}


def declare_target(name: str, kind: str, fill: int | float = 0, flip: str = "") -> None:
    """Say how the transforms move a target of your own.

    >>> declare_target("heat", "map_linear", fill=0.0)

    Args:
        name: key in `Sample.targets`.
        kind: one of KIND_NAMES.
        fill: value of a map where there is no picture (padding).
        flip: of keypoints, the name of the target that says which of them change places in a
            mirrored picture; see `Kind`.

    Raises:
        ConfigError: unknown kind, keypoints without `flip` (or another kind with it), or the name
            is already declared otherwise.
    """
    if kind not in KIND_NAMES:
        raise ConfigError(f"Unknown kind of target {kind!r}", expected=", ".join(KIND_NAMES))
    if (kind == "keypoints") != bool(flip):
        raise ConfigError(
            f"Keypoints need `flip`, and nothing else does (target {name!r})",
            expected="the name of the target with their order in a mirrored picture",
            received=f"kind {kind!r}, flip {flip!r}",
            fix=f'declare_target({name!r}, "keypoints", flip="keypoint_flip")',
        )
    declared = Kind(kind, fill, flip)
    if KINDS.get(name, declared) != declared:
        raise ConfigError(
            f"The target {name!r} is already declared otherwise",
            expected=KINDS[name],
            received=declared,
            fix="give it another name",
        )
    KINDS[name] = declared


def kind_of(name: str, array: np.ndarray) -> Kind:
    """The declared kind of a target; a number alone needs no declaration.

    Raises:
        DataError: an array nobody declared: moving the image without it might be wrong.
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
