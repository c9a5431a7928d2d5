"""What the keypoints of objects are called, and how they belong together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from densefit.data.geometry.keypoints import swap_order


@dataclass(frozen=True)
class Skeleton:
    """Keypoints of the objects of a dataset.

    Attributes:
        names: one a keypoint.
        limbs: pairs of names that are joined.
        flip_pairs: pairs of names that change places in a mirrored image.
    """

    names: list[str]
    limbs: list[list[str]]
    flip_pairs: list[list[str]]

    @property
    def flip(self) -> np.ndarray:
        """(K,) int64, which keypoint each one is in a mirrored image."""
        pairs = [[self.names.index(name) for name in pair] for pair in self.flip_pairs]
        return swap_order(len(self.names), pairs)
