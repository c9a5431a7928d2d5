"""Cutout and random erasing: cover parts of the image.

Boxes stay, and covered keypoints become hidden. Covered pixels of maps become void
(`targets="void"`), so that a network is not trained on what it cannot see; or they stay
(`targets="keep"`), so that it learns to infer them from the context.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from densefit.data.geometry.image_ops import GREY, Fill, fill_color
from densefit.data.geometry.instance_map import UNKNOWN
from densefit.data.geometry.keypoints import pixels_under
from densefit.data.geometry.target_kinds import kind_of
from densefit.data.sample import Sample
from densefit.data.transforms.transform import checked_range, transforms
from densefit.errors import ConfigError

Window = tuple[int, int, int, int]  # x1, y1, x2, y2 in whole pixels


@transforms.register("cutout")
class Cutout:
    """Cover squares around random pixels; at an edge, a part of one lies outside.

    DeVries and Taylor, "Improved Regularization of Convolutional Neural Networks with Cutout",
    2017 (arXiv:1708.04552).

    Args:
        size: side of a square, as a fraction of the image's shorter side.
        holes: number of squares.
        p: probability.
        fill: colour of the squares.
        targets: "void" or "keep" covered pixels of maps.
    """

    def __init__(
        self,
        size: float = 0.25,
        holes: int = 1,
        p: float = 0.5,
        fill: Fill = GREY,
        targets: str = "void",
    ) -> None:
        self.size = checked_range("size", size, 0.0, 1.0, "Cutout")
        self.holes = int(checked_range("holes", holes, 1, 1000, "Cutout"))
        self.p = checked_range("p", p, 0.0, 1.0, "Cutout")
        self.fill, self.targets = fill, _checked(targets, "Cutout")

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Cover squares with probability `p`."""
        if rng.random() >= self.p:
            return sample
        height, width = sample.image.shape[:2]
        side = max(1, round(self.size * min(height, width)))
        windows = []
        for _ in range(self.holes):
            x, y = int(rng.integers(width)) - side // 2, int(rng.integers(height)) - side // 2
            windows.append((max(x, 0), max(y, 0), min(x + side, width), min(y + side, height)))
        fill = np.array(fill_color(self.fill), np.uint8)
        return erase_windows(sample, windows, [fill] * len(windows), self.targets)

    def __repr__(self) -> str:
        return f"Cutout({self.size}, {self.holes}, p={self.p}, {self.fill}, {self.targets!r})"


@transforms.register("random_erase")
class RandomErase:
    """Cover a rectangle of random size and proportions by random colours.

    Zhong et al., "Random Erasing Data Augmentation", AAAI 2020 (arXiv:1708.04896), with its
    settings. Sides are rounded to whole pixels. Where none of 100 rectangles fits, nothing is
    covered.

    Args:
        low: smallest covered fraction of the image, before rounding.
        high: largest covered fraction, before rounding.
        ratio: sides of the rectangle, height over width, are within [ratio, 1 / ratio].
        p: probability.
        targets: "void" or "keep" covered pixels of maps.
    """

    def __init__(
        self,
        low: float = 0.02,
        high: float = 0.4,
        ratio: float = 0.3,
        p: float = 0.5,
        targets: str = "void",
    ) -> None:
        if not 0 < low <= high <= 1 or not 0 < ratio <= 1:
            raise ConfigError(
                "Shares must be in order within 0 to 1, and the ratio within 0 to 1",
                received=f"low={low}, high={high}, ratio={ratio}",
                where="RandomErase",
            )
        self.low, self.high, self.ratio = low, high, ratio
        self.p = checked_range("p", p, 0.0, 1.0, "RandomErase")
        self.targets = _checked(targets, "RandomErase")

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """Cover a rectangle with probability `p`."""
        if rng.random() >= self.p:
            return sample
        rows, columns = sample.image.shape[:2]
        for _ in range(100):
            area = rng.uniform(self.low, self.high) * rows * columns
            ratio = np.exp(rng.uniform(np.log(self.ratio), -np.log(self.ratio)))
            height, width = round(np.sqrt(area * ratio)), round(np.sqrt(area / ratio))
            if 0 < height <= rows and 0 < width <= columns:
                y, x = int(rng.integers(rows - height + 1)), int(rng.integers(columns - width + 1))
                fill = rng.integers(0, 256, (height, width, 3), np.uint8)
                return erase_windows(sample, [(x, y, x + width, y + height)], [fill], self.targets)
        return sample

    def __repr__(self) -> str:
        return f"RandomErase({self.low}, {self.high}, {self.ratio}, p={self.p}, {self.targets!r})"


def erase_windows(
    sample: Sample, windows: Sequence[Window], fills: Sequence[np.ndarray], how: str
) -> Sample:
    """Cover windows with colours; see the module for targets."""
    image = sample.image.copy()
    targets = dict(sample.targets)
    for (x1, y1, x2, y2), fill in zip(windows, fills):
        image[y1:y2, x1:x2] = fill
    for name, array in sample.targets.items():
        kind = kind_of(name, array)
        if kind.name in ("map", "map_linear", "vectors") and how == "void":
            targets[name] = array.copy()
            for x1, y1, x2, y2 in windows:
                # No object differs from an unknown object.
                targets[name][y1:y2, x1:x2] = UNKNOWN if kind.role == "instances" else kind.fill
        elif kind.name == "keypoints":
            targets[name] = _hidden(array, windows, image.shape)
    return replace(sample, image=image, targets=targets)


def _hidden(points: np.ndarray, windows: Sequence[Window], size: tuple[int, ...]) -> np.ndarray:
    """Set the visibility of keypoints in a window to 1 (hidden)."""
    points = points.copy()
    pixels = pixels_under(points, size)
    for window in windows:
        low, high = window[:2], window[2:]
        inside = ((pixels >= low) & (pixels < high)).all(axis=-1)
        points[..., 2] = np.where(inside, np.minimum(points[..., 2], 1), points[..., 2])
    return points


def _checked(targets: str, where: str) -> str:
    if targets not in ("void", "keep"):
        raise ConfigError(
            "Covered pixels of maps are forgotten or kept",
            expected="targets='void' or 'keep'",
            received=repr(targets),
            where=where,
        )
    return targets
