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
    """Where the pixels of the original image lie in the network's input.

    Attributes:
        size: (height, width) of the original image, in pixels.
        matrix: (2, 3) float64, the affine map from original to input coordinates. Coordinates
            are continuous: pixel (i, j) covers [j, j+1) x [i, i+1).
        input_size: (height, width) of the network's input.
        cuts: map and window of each earlier step that cut the picture: what a crop has cut away is
            not there any more, though a later step may make room for it.
        is_assumed: nobody gave it: its sample was made without one.
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
        """The map of an image that was not changed."""
        return cls((height, width), np.eye(2, 3), (height, width))

    def then(self, matrix: np.ndarray, input_size: tuple[int, int]) -> Geometry:
        """This map followed by another (2, 3) affine `matrix` into an image of `input_size`.

        After a (3, 3) `matrix` of a perspective it is lost: see `LostGeometry`.
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

        Maps without rotation only (resize, crop, pad, mirror), which is all that evaluation uses.

        Raises:
            DataError: the picture was turned: a box would come back larger than it is.
        """
        boxes = np.asarray(boxes, np.float64).reshape(-1, 4)
        (sx, skew, tx), (slant, sy, ty) = self.matrix
        if skew or slant:
            raise DataError(
                "Boxes cannot be brought back to a picture that was turned",
                expected="a picture that was resized, cropped, padded or mirrored",
                received=f"the map {self.matrix.tolist()}",
                fix="score without transforms that turn",
            )
        x = np.sort((boxes[:, 0::2] - tx) / sx, axis=1)
        y = np.sort((boxes[:, 1::2] - ty) / sy, axis=1)
        height, width = self.size
        x, y = x.clip(0, width), y.clip(0, height)
        return np.stack([x[:, 0], y[:, 0], x[:, 1], y[:, 1]], axis=1).astype(np.float32)

    def points_to_original(self, points: np.ndarray) -> np.ndarray:
        """Map (..., 2) points x, y from input to original pixels, clipped to the image."""
        linear = np.linalg.inv(self.matrix[:, :2])
        back = (np.asarray(points, np.float64) - self.matrix[:, 2]) @ linear.T
        return back.clip(0, self.size[::-1]).astype(np.float32)


class LostGeometry(Geometry):
    """Of a picture whose pixels cannot be traced back by an affine map; for training only.

    Scores and predictions of it are refused.

    Args:
        size: (height, width) of the original image.
        input_size: (height, width) of the network's input.
        why: what lost it: "it was ..."

    Attributes:
        is_other: the picture is no longer the original one but several, or warped: a head which
            does not ask for the map is refused as well.
    """

    why: str
    is_other = True
    _fix = "train on it; score and predict with resize or letterbox only"

    def __init__(self, size: tuple[int, int], input_size: tuple[int, int], why: str) -> None:
        # `matrix`, the remaining field of a Geometry, is never set.
        for name, value in (("size", size), ("input_size", input_size), ("why", why)):
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        """`matrix`: a DataError."""
        if name != "matrix":
            raise AttributeError(name)
        raise self.refusal()

    def refusal(self, where: object = None) -> DataError:
        """The error of a score or prediction of such a picture.

        Args:
            where: which sample it is, and for which head.
        """
        return DataError(
            "Where the original picture lies in the network's input is not known",
            received=f"the picture of {self.size}: {self.why}",
            where=where,
            fix=self._fix,
        )

    def then(self, matrix: np.ndarray, input_size: tuple[int, int]) -> Geometry:
        """It stays lost."""
        if not self.is_other and not is_affine(as_3x3(matrix)):
            return LostGeometry(self.size, input_size, _WARPED)
        return type(self)(self.size, input_size, self.why)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.size}, {self.input_size}, {self.why!r})"


class UntracedGeometry(LostGeometry):
    """Of the original picture at a place that is not known: heads that ask for it are refused.

    The class of the whole picture, say, can be scored all the same.
    """

    is_other = False


class UntoldGeometry(UntracedGeometry):
    """Of a picture that a transform moved without a word."""

    _fix = (
        "let the transform use crop, resize, flip or rotate90 of densefit.data.geometry.image_ops, "
        "or give its sample a geometry: "
        "replace(sample, image=..., geometry=sample.geometry.then(matrix, size))"
    )

    @classmethod
    def if_moved(cls, before: Geometry, after: Sample) -> Geometry:
        """The geometry of a sample behind one transform; untold if its sizes are others than told.

        A sample of the same size that was made without a geometry has the one from before.

        Args:
            before: of the sample that the transform got.
            after: what it gave.
        """
        size = (after.image.shape[0], after.image.shape[1])
        told = after.geometry or Geometry.identity(*size)
        if told is not before and told.is_assumed:
            if isinstance(before, LostGeometry):
                return before.then(np.eye(2, 3), size)
            if tuple(before.input_size) == size:
                return before
        elif isinstance(told, LostGeometry) or (
            told.size == before.size and tuple(told.input_size) == size
        ):
            return told
        return cls(before.size, size, f"a transform made it {size} and kept no track of it")


@dataclass
class Sample:
    """One image and what is known about it.

    Attributes:
        id: unique in its dataset.
        image: (H, W, 3) uint8, RGB. A picture of Pillow is brought to RGB; of a dataset also grey
            ones are taken, (H, W) or (H, W, 1), and those with alpha, which is dropped.
        targets: named numpy arrays in the coordinates of `image`. The names that the built-in
            tasks use:
            `boxes` (n, 4) float32 xyxy in pixels, right and bottom edge exclusive;
            `classes` (n,) int64; `difficult` (n,) bool; `crowd` (n,) bool;
            `area` (n,) float32, pixels; `keypoints` (n, K, 3) float32, x and y in continuous
            pixels and the visibility (0: not labelled, and then x = y = 0; 1: hidden; 2: seen);
            `keypoint_flip` (K,) int64, which keypoint each is in a mirrored picture;
            `mask` (H, W) uint8, a class index a pixel;
            `label` () int64, the class of the picture;
            `instances` (H, W) uint16, an object's id a pixel, 0 for none, 65535 where it is not
            known; `instance_ids` (n,) int64, the id of each box, 0 if its pixels are not known;
            `instance_masks` (n,) object, whole masks of the *original* picture as COCO run
            lengths, where objects overlap (see `densefit.data.geometry.instance_map`);
            `labels` (K,) int64, for each class 1 (the picture shows it), 0 or -1 (unknown);
            `known_classes` (K,) bool, for each class of the boxes whether they tell of it, and
            `known_mask_classes` (K,) bool, the same of `mask`; without these, they tell of all;
            `depth` (H, W) float32, metres along the camera's axis, 0 where unknown; no change of
            size or place changes a depth;
            `normals` (H, W, 3) float32, unit vectors (x right, y down), zero where unknown.
        geometry: where the original image lies in `image`; transforms keep it up to date.
        original: the targets before any transform (what scores are measured against); set by
            the loader.
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
    """A finite list of samples, decoded when asked for.

    `id_of(i)` is cheap (no decoding): errors name a sample by it, or by its index where there is
    none. `classes` names the classes in index order; what needs names asks for it. Loaders check
    every sample (see `densefit.data.checks.sample`).

    A method `targets_of(i)` may give the names of the targets of sample i, by the annotations: all
    that asks which targets there are then knows it of all samples. Else it reads a few, and what
    these lack may still come.

    Where pictures are files, a method `picture_file(i)` may give the path: packing then keeps the
    file as it is, and a cache on disk sees when it changes.
    """

    classes: list[str]

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Sample: ...

    def id_of(self, index: int) -> str: ...


datasets: Registry[Dataset] = Registry("dataset")
