"""Random rotation, scale, shear, shift and perspective, each in one warp."""

from __future__ import annotations

import math

import cv2
import numpy as np

from densefit.data.geometry.image_ops import GREY, Fill
from densefit.data.geometry.ops import GeometricOp, GeometricTransform
from densefit.data.transforms.transform import checked_range, transforms
from densefit.errors import ConfigError


@transforms.register("random_affine")
class RandomAffine(GeometricTransform):
    """Rotate, scale, shear and translate about the centre of the image, which keeps its size.

    Boxes enclose their transformed corners, or their transformed objects where the sample has
    `instances`. Rotated boxes cannot be scored: a transform for training.

    Args:
        degrees: rotate by an angle in [-degrees, degrees].
        low: lowest scale factor.
        high: highest scale factor; log-uniform, so above and below 1 equally often in [1 / s, s].
        shear: slant rows and columns, each by an angle in [-shear, shear] degrees.
        translate: shift by up to this fraction of the image's sides.
        p: probability.
        fill: colour outside of the image.
    """

    def __init__(
        self,
        degrees: float = 10.0,
        low: float = 0.8,
        high: float = 1.25,
        shear: float = 0.0,
        translate: float = 0.1,
        p: float = 1.0,
        fill: Fill = GREY,
    ) -> None:
        self.degrees = checked_range("degrees", degrees, 0.0, 180.0, "RandomAffine")
        self.shear = checked_range("shear", shear, 0.0, 40.0, "RandomAffine")
        self.translate = checked_range("translate", translate, 0.0, 1.0, "RandomAffine")
        self.p = checked_range("p", p, 0.0, 1.0, "RandomAffine")
        if not 0 < low <= high:
            raise ConfigError(
                "The range of scales must be positive and in order",
                received=f"low={low}, high={high}",
                where="RandomAffine",
            )
        self.low, self.high, self.fill = low, high, fill

    def ops(self, size: tuple[int, int], rng: np.random.Generator) -> list[GeometricOp]:
        """Draw the warp; none with probability 1 - p."""
        if rng.random() >= self.p:
            return []
        angle = math.radians(rng.uniform(-self.degrees, self.degrees))
        scale = math.exp(rng.uniform(math.log(self.low), math.log(self.high)))
        slant_x, slant_y = np.tan(np.radians(rng.uniform(-self.shear, self.shear, 2)))
        height, width = size
        shift = rng.uniform(-self.translate, self.translate, 2) * (width, height)
        matrix = about_centre(size, linear(angle, scale, slant_x, slant_y), shift)
        return [GeometricOp(matrix, size, "warp", self.fill)]

    def __repr__(self) -> str:
        return (
            f"RandomAffine({self.degrees}, {self.low}, {self.high}, shear={self.shear}, "
            f"translate={self.translate}, p={self.p}, fill={self.fill})"
        )


@transforms.register("random_perspective")
class RandomPerspective(GeometricTransform):
    """Move each corner of the image inwards, as if seen from another viewpoint.

    The image keeps its size. A homography does not fit the affine map of a `Geometry`: it is lost,
    and scores are refused. Targets of the kind `vectors` cannot follow.

    Args:
        distortion: corners move by up to this fraction of half of the image's sides.
        p: probability.
        fill: colour outside of the image.
    """

    def __init__(self, distortion: float = 0.3, p: float = 0.5, fill: Fill = GREY) -> None:
        # From 2/3 on, a corner can come to lie between its neighbours: the image would fold.
        self.distortion = checked_range("distortion", distortion, 0.0, 0.6, "RandomPerspective")
        self.p = checked_range("p", p, 0.0, 1.0, "RandomPerspective")
        self.fill = fill

    def ops(self, size: tuple[int, int], rng: np.random.Generator) -> list[GeometricOp]:
        """Draw the warp; none with probability 1 - p."""
        if rng.random() >= self.p:
            return []
        height, width = size
        corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
        inwards = np.sign(np.array([width, height]) / 2 - corners)
        steps = rng.uniform(0.0, self.distortion / 2, (4, 2)) * (width, height)
        targets = corners + inwards * steps
        matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), targets.astype(np.float32))
        return [GeometricOp(np.asarray(matrix, np.float64), size, "warp", self.fill)]

    def __repr__(self) -> str:
        return f"RandomPerspective({self.distortion}, {self.p}, fill={self.fill})"


def linear(angle: float, scale: float, slant_x: float, slant_y: float) -> np.ndarray:
    """(2, 2) matrix: shears first (x by y, y by x), then the scale, then a rotation.

    Args:
        angle: radians, clockwise as seen (y points down).
        scale: factor.
        slant_x: pixels that x moves for each pixel of y.
        slant_y: pixels that y moves for each pixel of x.
    """
    rotation = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return np.asarray(scale * rotation @ np.array([[1.0, slant_x], [slant_y, 1.0]]))


def about_centre(size: tuple[int, int], part: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """(3, 3) matrix: the linear `part` about the centre of an image of `size`, then a shift."""
    centre = np.array([size[1], size[0]]) / 2
    matrix = np.eye(3)
    matrix[:2, :2] = part
    matrix[:2, 2] = centre + shift - part @ centre
    return matrix
