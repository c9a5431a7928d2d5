"""A sample: one image with its annotations, on the host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from densefit.data.homography import as_3x3, is_affine
from densefit.data.pixels import as_array
from densefit.data.visible_area import is_whole
from densefit.errors import DataError
from densefit.registry import Registry

_WARPED = "it was warped in perspective"


@dataclass(frozen=True)
class Geometry:
    """Map from the pixels of the original image to the network's input.

    Attributes:
        size: (height, width) of the original image, in pixels.
        matrix: (2, 3) float64, the affine map from original to input coordinates. Coordinates
            are continuous: pixel (i, j) covers [j, j+1) x [i, i+1).
        input_size: (height, width) of the network's input.
        cuts: map and window of each earlier step that cropped the image: cropped pixels are lost,
            even if a later step pads the image again.
        is_assumed: whether the geometry is a default: its sample was created without one.
    """

    size: tuple[int, int]
    matrix: np.ndarray
    input_size: tuple[int, int]
    cuts: tuple[tuple[np.ndarray, tuple[int, int]], ...] = field(
        default=(), init=False, repr=False, compare=False
    )
    is_assumed: bool = field(default=False, init=False, repr=False, compare=False)

    @classmethod
    def identity(cls, height: int, width: int) -> Geometry:
        """Geometry of an image that was not transformed."""
        return cls((height, width), np.eye(2, 3), (height, width))

    def then(self, matrix: np.ndarray, input_size: tuple[int, int]) -> Geometry:
        """Compose this map with a (2, 3) affine `matrix` into an image of `input_size`.

        A (3, 3) perspective `matrix` returns a `LostGeometry`.
        """
        step = as_3x3(matrix)
        if not is_affine(step):
            return LostGeometry(self.size, input_size, _WARPED)
        both = Geometry(self.size, (step @ as_3x3(self.matrix))[:2], input_size)
        cuts = self.cuts
        if not is_whole(self.size, self.matrix, self.input_size):
            cuts = (*cuts, (self.matrix, self.input_size))
        if cuts:
            object.__setattr__(both, "cuts", cuts)
        return both

    def boxes_to_original(self, boxes: np.ndarray) -> np.ndarray:
        """Map (n, 4) xyxy boxes from input pixels to original pixels, clipped to the image.

        Supports maps without rotation only (resize, crop, pad, flip), which evaluation uses.

        Raises:
            DataError: the image was rotated: the box around rotated corners would be too large.
        """
        return self._clipped(boxes).astype(np.float32)

    def boxes_in_image(self, boxes: np.ndarray) -> np.ndarray:
        """Indices of the (n, 4) boxes in input pixels that are not wholly outside of the image.

        Those outside, as in the border of a letterbox, lie on its edge once they are clipped, and
        match no object.
        """
        clipped = self._clipped(boxes)
        inside = (clipped[:, 2:] > 0) & (clipped[:, :2] < self.size[::-1])
        return np.flatnonzero(inside.all(axis=1))

    def _clipped(self, boxes: np.ndarray) -> np.ndarray:
        """`boxes_to_original` before it is rounded: (n, 4) float64."""
        boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
        (sx, skew, tx), (slant, sy, ty) = self.matrix
        if skew or slant:
            raise DataError(
                "Boxes cannot be brought back to an image that was turned",
                expected="an image that was resized, cropped, padded or mirrored",
                received=f"the map {self.matrix.tolist()}",
                fix="score without transforms that turn",
            )
        x = np.sort((boxes[:, 0::2] - tx) / sx, axis=1)
        y = np.sort((boxes[:, 1::2] - ty) / sy, axis=1)
        height, width = self.size
        x, y = x.clip(0, width), y.clip(0, height)
        return np.stack([x[:, 0], y[:, 0], x[:, 1], y[:, 1]], axis=1)

    def points_to_original(self, points: np.ndarray) -> np.ndarray:
        """Map (..., 2) points x, y from input to original pixels, clipped to the image."""
        linear = np.linalg.inv(self.matrix[:, :2])
        back = (np.asarray(points, np.float64) - self.matrix[:, 2]) @ linear.T
        return back.clip(0, self.size[::-1]).astype(np.float32)


class LostGeometry(Geometry):
    """Geometry of an image that no affine map brings back to the original; for training only.

    Evaluation and prediction of such images raise DataError.

    Args:
        size: (height, width) of the original image.
        input_size: (height, width) of the network's input.
        why: reason, as "it was ..."

    Attributes:
        is_other: whether the image is mixed from several or warped, so that heads which do not
            need the map raise too.
    """

    why: str
    is_other = True
    _fix = "train on it; score and predict with resize or letterbox only"

    def __init__(self, size: tuple[int, int], input_size: tuple[int, int], why: str) -> None:
        # `matrix`, the remaining field of a Geometry, is never set.
        for name, value in (("size", size), ("input_size", input_size), ("why", why)):
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        """Raise DataError for `matrix`."""
        if name != "matrix":
            raise AttributeError(name)
        raise self.refusal()

    def refusal(self, where: object = None) -> DataError:
        """Make the error of evaluation or prediction of such an image.

        Args:
            where: sample and head, for the error.
        """
        return DataError(
            "Where the original image lies in the network's input is not known",
            received=f"the image of {self.size}: {self.why}",
            where=where,
            fix=self._fix,
        )

    def then(self, matrix: np.ndarray, input_size: tuple[int, int]) -> Geometry:
        """Return a lost geometry again."""
        if not self.is_other and not is_affine(as_3x3(matrix)):
            return LostGeometry(self.size, input_size, _WARPED)
        return type(self)(self.size, input_size, self.why)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.size}, {self.input_size}, {self.why!r})"


class UntracedGeometry(LostGeometry):
    """Geometry of the original image at an unknown position: heads that need the map raise.

    The class of the whole image, for example, can still be evaluated.
    """

    is_other = False


class UntoldGeometry(UntracedGeometry):
    """Geometry of an image that a transform moved without updating the geometry."""

    _fix = (
        "let the transform use crop, resize, flip or rotate90 of densefit.data.geometry.image_ops, "
        "or give its sample a geometry: "
        "replace(sample, image=..., geometry=sample.geometry.then(matrix, size))"
    )

    @classmethod
    def if_moved(cls, before: Geometry, after: Sample) -> Geometry:
        """Geometry of a sample after one transform; `UntoldGeometry` if its sizes do not match.

        A sample of unchanged size that was created without a geometry keeps the previous one.

        Args:
            before: geometry of the transform's input.
            after: output of the transform.
        """
        size = (after.image.shape[0], after.image.shape[1])
        geometry = after.geometry or Geometry.identity(*size)
        if geometry is not before and geometry.is_assumed:
            if isinstance(before, LostGeometry):
                return before.then(np.eye(2, 3), size)
            if tuple(before.input_size) == size:
                return before
        elif isinstance(geometry, LostGeometry) or (
            geometry.size == before.size and tuple(geometry.input_size) == size
        ):
            return geometry
        return cls(before.size, size, f"a transform made it {size} and kept no track of it")


@dataclass
class Sample:
    """One image with its annotations.

    Attributes:
        id: unique in its dataset.
        image: (H, W, 3) uint8, RGB. Pillow images are converted to RGB; from a dataset, grey images
            (H, W) or (H, W, 1) are accepted too, and images with alpha, which is dropped.
        targets: named numpy arrays in the coordinates of `image`. The built-in tasks use these
            names:
            `boxes` (n, 4) float32 xyxy in pixels, right and bottom edge exclusive;
            `classes` (n,) int64; `difficult` (n,) bool; `crowd` (n,) bool;
            `area` (n,) float32, pixels; `keypoints` (n, K, 3) float32, x and y in continuous
            pixels and the visibility (0: not labelled, and then x = y = 0; 1: hidden; 2: seen);
            `keypoint_flip` (K,) int64, the index of each keypoint in a flipped image;
            `mask` (H, W) uint8, the class index of each pixel;
            `label` () int64, the class of the image;
            `instances` (H, W) uint16, the object id of each pixel, 0 for none, 65535 where
            unknown; `instance_ids` (n,) int64, the id of each box, 0 if its pixels are unknown;
            `instance_masks` (n,) object, full masks of the *original* image as COCO RLE, if
            objects overlap (see `densefit.data.geometry.instance_map`);
            `labels` (K,) int64, for each class 1 (present), 0 or -1 (unknown);
            `known_classes` (K,) bool, whether the boxes of each class are annotated, and
            `known_mask_classes` (K,) bool, the same for `mask`; without these, all are annotated;
            `depth` (H, W) float32, metres along the camera's axis, 0 where unknown; geometric
            transforms do not change depth values;
            `normals` (H, W, 3) float32, unit vectors (x right, y down), zero where unknown;
            `edges` (H, W) uint8, 1 where a surface or an object ends, 255 where unknown.
        geometry: map from the original image to `image`; transforms keep it up to date.
        original: the targets before any transform (ground truth for metrics); set by the loader.
    """

    id: str
    image: np.ndarray
    targets: dict[str, np.ndarray]
    geometry: Geometry | None = None
    original: Mapping[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.image, np.ndarray) or self.image.ndim < 2:
            self.image = as_array(self.image)
        if self.geometry is None:
            self.geometry = Geometry.identity(*self.image.shape[:2])
            object.__setattr__(self.geometry, "is_assumed", True)


class Dataset(Protocol):
    """A finite sequence of samples, decoded on access.

    `id_of(i)` is cheap (no decoding) and names a sample in errors; without it, the index does.
    `classes` names the classes in index order. Loaders check every sample (see
    `densefit.data.checks.sample`).

    An optional method `targets_of(i)` returns the target names of sample i from the annotations, so
    that the targets of all samples are known. Otherwise a few samples are probed, and further
    targets may still occur later.

    An optional method `picture_file(i)` returns the path of an image file: packing then copies the
    file, and a disk cache detects when it changes.

    Further optional methods let a check of the data (`tools/check_data.py`, and the start of a
    recipe's training) look at all samples without decoding them: `faults`, a dict of index ->
    DataError for samples that cannot be read; `annotations_of(i, size=None)`, the targets that the
    annotations hold (`size`: the image's height and width, if known); `size_of(i)`, the (height,
    width) that they state; `label_files(i)`, paths of masks and other files beside the image. An
    optional method `mask_of(i)` reads `mask` without the image, for weights of its classes.
    """

    classes: list[str]

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Sample: ...

    def id_of(self, index: int) -> str: ...


datasets: Registry[Dataset] = Registry("dataset")
