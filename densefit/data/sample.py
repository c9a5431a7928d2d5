"""A sample: one image with its annotations, on the host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from densefit.data.pixels import as_array
from densefit.data.plane import is_affine, square
from densefit.errors import DataError
from densefit.registry import Registry


@dataclass(frozen=True)
class Geometry:
    """Where the pixels of the original image lie in the network's input.

    Attributes:
        size: (height, width) of the original image, in pixels.
        matrix: (2, 3) float64, the affine map from original to input coordinates. Coordinates
            are continuous: pixel (i, j) covers [j, j+1) x [i, i+1).
        input_size: (height, width) of the network's input.
    """

    size: tuple[int, int]
    matrix: np.ndarray
    input_size: tuple[int, int]

    @classmethod
    def identity(cls, height: int, width: int) -> Geometry:
        """The map of an image that was not changed."""
        return cls((height, width), np.eye(2, 3), (height, width))

    def then(self, matrix: np.ndarray, input_size: tuple[int, int]) -> Geometry:
        """This map followed by another (2, 3) affine `matrix` into an image of `input_size`.

        After a (3, 3) `matrix` of a perspective it is lost: see `LostGeometry`.
        """
        step = square(matrix)
        if not is_affine(step):
            return LostGeometry(self.size, input_size, "it was warped in perspective")
        whole = step @ square(self.matrix)
        return Geometry(self.size, whole[:2], input_size)

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
        is_other: the picture is no longer the original one, so that a head which does not ask for
            the map is refused as well.
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
        return type(self)(self.size, input_size, self.why)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.size}, {self.input_size}, {self.why!r})"


class UntoldGeometry(LostGeometry):
    """Of a picture that a transform moved without a word: heads that ask for the map are refused.

    The class of the whole picture, say, can be scored all the same.
    """

    is_other = False
    _fix = (
        "let the transform use crop, resize, mirror or turn of densefit.data.move, or give its "
        "sample a geometry: replace(sample, image=..., geometry=sample.geometry.then(matrix, size))"
    )

    @classmethod
    def if_moved(cls, before: Sample, after: Sample) -> Geometry:
        """The geometry of a sample behind a transform; untold if its sizes are others than told.

        Args:
            before: the sample that the transform got.
            after: what it gave.
        """
        known, told = (
            one.geometry or Geometry.identity(*one.image.shape[:2]) for one in (before, after)
        )
        size = (after.image.shape[0], after.image.shape[1])
        if told.size == known.size and tuple(told.input_size) == size:
            return told
        if isinstance(told, LostGeometry):
            return told
        return cls(known.size, size, f"a transform made it {size} and kept no track of it")


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
            lengths, where objects overlap (see `densefit.data.instances`);
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


class Dataset(Protocol):
    """A finite list of samples, decoded when asked for.

    `id_of(i)` is cheap (no decoding): errors name a sample by it, or by its index where there is
    none. `classes` names the classes in index order; what needs names asks for it. Loaders check
    every sample (see `densefit.data.sample_check`).

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
