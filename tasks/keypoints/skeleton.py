"""Keypoints of a head: names, limbs, pairs that a flip swaps, and sigmas."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from densefit.data.checks.keypoint_sides import log_pairs, side_pairs
from densefit.data.geometry.keypoints import swap_order
from densefit.errors import ConfigError
from densefit.metrics.coco.oks import COCO_SIGMAS
from densefit.model.heads.head import class_names

Pairs = Sequence[Sequence[str]] | None

_SIDES = ("eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle")
COCO_NAMES = ["nose", *(f"{side}_{part}" for part in _SIDES for side in ("left", "right"))]
COCO_FLIP_PAIRS = [[f"left_{part}", f"right_{part}"] for part in _SIDES]
# In the order of the category in COCO's files.
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
UNIFORM_SIGMA = 0.05  # default: slightly below the mean of COCO's


class Skeleton:
    """The keypoints of a head.

    Args:
        keypoints: names, or their number. None: the keypoints of COCO's persons.
        limbs: pairs of names to join in drawings. None: COCO's for COCO's names, else none.
        flip_pairs: pairs of names that are swapped in a flipped image. None: pairs of a left and
            a right name (see `side_pairs`); unknown if no name has a side.
        sigmas: standard deviation of the annotations of each keypoint, relative to the object's
            size. None: COCO's for COCO's names, else 0.05 for each.
        where: head, for error messages.

    Attributes:
        names: names of the keypoints.
        limbs: (L, 2) int64 indices.
        flip: (K,) int64, index of each keypoint in a flipped image; None if unknown.
        sigmas: (K,) float64.

    Raises:
        ConfigError: no keypoint, duplicate names, pairs of unknown names, a left without a right,
            another number of sigmas.
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
        is_coco = self.names == COCO_NAMES
        if limbs is None:
            limbs = COCO_LIMBS if is_coco else []
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
            sigmas = COCO_SIGMAS.tolist() if is_coco else [UNIFORM_SIGMA] * count
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
        index_of = {name: index for index, name in enumerate(self.names)}
        indices = []
        for pair in pairs:
            ends = [index_of.get(name, -1) for name in pair]
            if len(ends) != 2 or min(ends) < 0:
                raise ConfigError(
                    f"One of `{what}` is no pair of keypoints",
                    expected=f"two of {', '.join(self.names)}",
                    received=list(pair),
                    where=where,
                )
            indices.append(ends)
        return np.array(indices, np.int64).reshape(-1, 2)

    def flip_order(self, where: str) -> np.ndarray:
        """`flip`; ConfigError if it is unknown."""
        if self.flip is None:
            raise ConfigError(
                "The keypoints that are swapped in a flipped image are unknown",
                expected="pairs of names, such as [[left_eye, right_eye]]",
                where=where,
                fix="give the head `flip_pairs` ([] if nothing has a left and a right)",
            )
        return self.flip


def _sided(names: Sequence[str], where: str) -> Pairs:
    """Pairs of left and right names; None if no name has a side."""
    pairs, alone = side_pairs(names)
    if alone:
        raise ConfigError(
            "A keypoint has no counterpart at the other side",
            expected="left_x and right_x for each x, or neither",
            received=", ".join(alone),
            where=where,
            fix="state with `flip_pairs` which keypoints are swapped in a flipped image ([] for "
            "none)",
        )
    if pairs:
        log_pairs(pairs, where)
    return pairs or None
