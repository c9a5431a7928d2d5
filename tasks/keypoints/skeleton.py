"""What a head's keypoints are called, which are joined, and which change places in a mirror."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from densefit.data.checks.keypoint_sides import side_pairs, tell_pairs
from densefit.data.geometry.keypoints import swap_order
from densefit.errors import ConfigError
from densefit.metrics.coco.oks import COCO_SIGMAS
from densefit.model.heads.head import class_names

Pairs = Sequence[Sequence[str]] | None

_SIDES = ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
COCO_NAMES = ["nose", *(f"{side}_{part}" for part in _SIDES for side in ("left", "right"))]
COCO_FLIP_PAIRS = [[f"left_{part}", f"right_{part}"] for part in _SIDES]
# As the category of COCO's own files has them.
COCO_LIMBS = [
    *(
        [f"{side}_{first}", f"{side}_{second}"]
        for first, second in (
            ("ankle", "knee"),
            ("knee", "hip"),
            ("hip", "shoulder"),
            ("shoulder", "elbow"),
            ("elbow", "wrist"),
            ("eye", "ear"),
            ("ear", "shoulder"),
        )
        for side in ("left", "right")
    ),
    *([f"left_{part}", f"right_{part}"] for part in ("hip", "shoulder", "eye")),
    ["nose", "left_eye"],
    ["nose", "right_eye"],
]
UNIFORM_SIGMA = 0.05  # where nothing is known: a little below the mean of COCO's


class Skeleton:
    """The keypoints of a head.

    Args:
        keypoints: names, or how many. None: those of COCO's persons.
        limbs: pairs of names to join in drawings. None: COCO's for COCO's names, else none.
        flip_pairs: pairs of names that change places in a mirrored image. None: those that have
            a left and a right (see `side_pairs`); where no name has a side, nobody has said.
        sigmas: how far off people place each keypoint, in parts of the object's size. None:
            COCO's for COCO's names, else 0.05 for each.
        where: whose they are, for errors.

    Attributes:
        names: one a keypoint.
        limbs: (L, 2) int64 indices.
        flip: (K,) int64, which keypoint each is in a mirrored image; None if nobody has said.
        sigmas: (K,) float64.

    Raises:
        ConfigError: no keypoint, equal names, pairs of what is not there, a side without another,
            sigmas of another number.
    """

    def __init__(
        self,
        keypoints: int | Sequence[str] | None = None,
        limbs: Pairs = None,
        flip_pairs: Pairs = None,
        sigmas: Sequence[float] | None = None,
        where: str = "keypoints",
    ) -> None:
        self.names = COCO_NAMES if keypoints is None else class_names(keypoints)
        count = len(self.names)
        if not count or len(set(self.names)) < count:
            raise ConfigError(
                "Keypoints need different names, one at least", received=self.names, where=where
            )
        known = self.names == COCO_NAMES
        if limbs is None:
            limbs = COCO_LIMBS if known else []
        if flip_pairs is None:
            flip_pairs = _sided(self.names, where)
        self.limbs = self._indices(limbs, "limbs", where)
        self.flip: np.ndarray | None = None
        if flip_pairs is not None:
            pairs = self._indices(flip_pairs, "flip_pairs", where)
            if len(np.unique(pairs)) < pairs.size:
                raise ConfigError(
                    "A keypoint is in two flip pairs", received=flip_pairs, where=where
                )
            self.flip = swap_order(count, pairs.tolist())
        if sigmas is None:
            sigmas = COCO_SIGMAS.tolist() if known else [UNIFORM_SIGMA] * count
        self.sigmas = np.array(sigmas, np.float64)
        if self.sigmas.shape != (count,) or not (self.sigmas > 0).all():
            raise ConfigError(
                "Every keypoint needs a sigma above 0",
                expected=f"{count} numbers",
                received=sigmas,
                where=where,
            )

    def __len__(self) -> int:
        return len(self.names)

    def _indices(self, pairs: Sequence[Sequence[str]], what: str, where: str) -> np.ndarray:
        place = {name: index for index, name in enumerate(self.names)}
        found = []
        for pair in pairs:
            ends = [place.get(name, -1) for name in pair]
            if len(ends) != 2 or min(ends) < 0:
                raise ConfigError(
                    f"One of `{what}` is no pair of keypoints",
                    expected=f"two of {', '.join(self.names)}",
                    received=list(pair),
                    where=where,
                )
            found.append(ends)
        return np.array(found, np.int64).reshape(-1, 2)

    def mirrored(self, where: str) -> np.ndarray:
        """`flip`. Raises ConfigError if nobody has said what it is."""
        if self.flip is None:
            raise ConfigError(
                "Nobody has said which keypoints change places in a mirrored image",
                expected="pairs of names, such as [[left_eye, right_eye]]",
                where=where,
                fix="give the head `flip_pairs` ([] if nothing has a left and a right)",
            )
        return self.flip


def _sided(names: Sequence[str], where: str) -> Pairs:
    """The pairs that the names tell; None if none of them has a side."""
    pairs, alone = side_pairs(names)
    if alone:
        raise ConfigError(
            "A keypoint has no counterpart at the other side",
            expected="left_x and right_x for each x, or neither",
            received=", ".join(alone),
            where=where,
            fix="say with `flip_pairs` which keypoints change places in a mirrored image ([] if "
            "none do)",
        )
    if pairs:
        tell_pairs(pairs, where)
    return pairs or None
