"""Mosaic: four images in one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from densefit.data.geometry.image_ops import GREY, Fill
from densefit.data.geometry.ops import apply_ops, crop_op, resize_op
from densefit.data.geometry.target_kinds import kind_of
from densefit.data.sample import Sample
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
from densefit.data.transforms.transform import checked_range, checked_size, transforms
from densefit.errors import ConfigError


@transforms.register("mosaic")
class Mosaic:
    """Tile this and three further images around a random point, with probability `p`.

    After Bochkovskiy et al., "YOLOv4", 2020 (arXiv:2004.10934), in the layout of YOLOv5: each image
    is resized to fit the canvas, times a factor in [low, high], and cropped to its quarter. Without
    the mosaic the image keeps its size: a transform that fixes the size must follow, e.g.
    random_scale_crop.

    All targets that the four images have are merged: boxes and per-box targets, maps, keypoints,
    instances (under new ids), `labels`. The class of an image (`label`) cannot be merged.

    Args:
        height: height of the mosaic in pixels.
        width: width of the mosaic in pixels.
        p: probability.
        low: lowest factor on the size that fits.
        high: highest factor.
        middle: least distance of the point from each edge, as a fraction of the side.
        fill: colour outside of the images; maps have their own fills.
        drop: targets that are removed from mosaics.
        prepare: (sample, rng) -> sample, applied to each further sample first.
    """

    others = 3

    def __init__(
        self,
        height: int,
        width: int,
        p: float = 0.5,
        low: float = 0.5,
        high: float = 1.0,
        middle: float = 0.25,
        fill: Fill = GREY,
        drop: Collection[str] = (),
        prepare: Prepare = None,
    ) -> None:
        self.size = checked_size(height, width, "Mosaic")
        self.p = checked_range("p", p, 0.0, 1.0, "Mosaic")
        self.middle = checked_range("middle", middle, 0.0, 0.5, "Mosaic")
        if not 0 < low <= high:
            raise ConfigError(
                "The range of scales must be positive and in order",
                received=f"low={low}, high={high}",
                where="Mosaic",
            )
        self.low, self.high, self.fill = low, high, fill
        self.drop, self.prepare = tuple(drop), prepare

    def __call__(self, sample: Sample, rng: np.random.Generator, draw: Draw) -> Sample:
        """Make the mosaic with probability `p`."""
        if rng.random() >= self.p:
            return sample
        samples = intersect_known_classes(
            [sample, *prepare_samples(draw(self.others), self.prepare, rng)]
        )
        names = common_targets(samples, self.drop)
        height, width = self.size
        y, x = (round(side * rng.uniform(self.middle, 1 - self.middle)) for side in self.size)
        y, x = min(max(y, 1), height - 1), min(max(x, 1), width - 1)
        corners = [(0, 0), (0, x), (y, 0), (y, x)]  # top and left of each
        sizes = [(y, x), (y, width - x), (height - y, x), (height - y, width - x)]
        tiles = []
        for source, corner, size in zip(samples, corners, sizes):
            bare = replace(source, targets={name: source.targets[name] for name in names})
            tiles.append(self._tile(bare, corner, size, rng))
        image = np.empty((height, width, 3), np.uint8)
        for tile, (top, left) in zip(tiles, corners):
            image[top : top + tile.image.shape[0], left : left + tile.image.shape[1]] = tile.image
        return replace(
            sample,
            image=image,
            targets=_merge_targets(renumber_instances(tiles), corners, self.size),
            geometry=merged_geometry(sample, self.size, "it was made a part of a mosaic"),
        )

    def _tile(
        self,
        sample: Sample,
        corner: tuple[int, int],
        size: tuple[int, int],
        rng: np.random.Generator,
    ) -> Sample:
        """Resize and crop an image to its quarter of `size`, with its corner at the point."""
        rows, columns = sample.image.shape[:2]
        fits = min(self.size[0] / rows, self.size[1] / columns)
        factor = fits * rng.uniform(self.low, self.high)
        height, width = max(1, round(rows * factor)), max(1, round(columns * factor))
        top = 0 if corner[0] else height - size[0]
        left = 0 if corner[1] else width - size[1]
        stretch = resize_op((rows, columns), height, width)
        return apply_ops(sample, [stretch, crop_op(left, top, size[1], size[0], self.fill)])

    def __repr__(self) -> str:
        settings = (self.p, self.low, self.high, self.middle, self.fill, self.drop)
        about = "" if self.prepare is None else f", prepare={self.prepare!r}"
        return f"Mosaic{(*self.size, *settings)}{about}"


def _merge_targets(
    tiles: Sequence[Sample], corners: Sequence[tuple[int, int]], size: tuple[int, int]
) -> dict[str, np.ndarray]:
    """Merge the targets of tiles that lie at (top, left) on a canvas."""
    targets = {}
    for name, first in tiles[0].targets.items():
        arrays = [tile.targets[name] for tile in tiles]
        kind = kind_of(name, first)
        if kind.name in MAPS:
            whole = np.full(size + first.shape[2:], kind.fill, first.dtype)
            for array, (top, left) in zip(arrays, corners):
                whole[top : top + array.shape[0], left : left + array.shape[1]] = array
            targets[name] = whole
        elif kind.name == "boxes":
            shifts = [np.array((x, y, x, y), np.float32) for y, x in corners]
            targets[name] = concatenate_rows(
                [array + shift for array, shift in zip(arrays, shifts)]
            )
        elif kind.name == "keypoints":
            shifts = [np.array((x, y, 0), np.float32) for y, x in corners]
            # Unlabelled keypoints stay 0, 0, 0.
            targets[name] = concatenate_rows(
                [a + (a[..., 2:] > 0) * shift for a, shift in zip(arrays, shifts)]
            )
        elif kind.name in ("per_box", "area"):
            targets[name] = concatenate_rows(arrays)
        else:
            targets[name] = merge_plain(name, tiles, "Mosaic", either=True)
    return targets
