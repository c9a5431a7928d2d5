"""The normals head: a unit vector for every pixel, trained at stride 4, scored at original size."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.data.geometry.strided_map import grid_size, mean_weights, strided_target
from densefit.data.geometry.to_original import map_to_original
from densefit.data.homography import rotate_vectors
from densefit.data.sample import Geometry, Sample
from densefit.engine.map_averaging import MapMerger
from densefit.errors import located
from densefit.metrics import Metric, SurfaceNormals
from densefit.model.decoders import LOGIT_STRIDE, make_decoder
from densefit.model.distillation.losses import normal_distance
from densefit.model.heads.head import Features, Head, Label, heads
from densefit.model.heads.program_lines import write_map
from densefit.model.heads.teachable import once_per_features
from densefit.model.layers import upsample
from densefit.model.tta.view_merger import Merger
from densefit.symbol import sym

from .vectors import draw_normals, unit


@heads.register("normals")
class Normals(Head):
    """A surface normal for every pixel.

    Needs a target `normals`: (H, W, 3) vectors of any length in the camera's frame, x to the
    right and y downwards, zero (or not finite) where unknown. z may point either way, but always
    the same. Transforms flip and rotate the vectors with the image. (With y upwards, negate y first
    if images are rotated.)

    The loss is 1 - cos of the angle between the predicted and the true vector, averaged over the
    valid cells of an image. Predictions are (H, W, 3) float32 of length 1.

    Args:
        name: prefix of outputs and parameters.
        weight: factor on the loss.
        decoder: "deeplabv3+", "ddrnet", "fcn", "lraspp", "pspnet", "segformer", "unet", or a
            registered one.
        channels: width of the decoder; None: its default.
        rates: dilations of the atrous pyramid of "deeplabv3+"; None: 6, 12 and 18.
        decoder_settings: further settings of the decoder.
        target: name of the target to learn. A new target is first declared to the transforms:
            `declare_target("bumps", "vectors")` of `densefit.data.transforms`.

    Raises:
        ConfigError: an unknown decoder, or a decoder without channels.
    """

    def __init__(
        self,
        name: str = "normals",
        weight: float = 1.0,
        decoder: str = "deeplabv3+",
        channels: int | None = None,
        rates: Sequence[int] | None = None,
        target: str = "normals",
        decoder_settings: Mapping[str, Any] | None = None,
    ) -> None:
        with located(f"head {name!r}"):
            self.decoder = make_decoder(decoder, channels, rates, decoder_settings)
        self.name, self.weight = name, weight
        self.target, self.targets = target, (target,)
        self.output_stride = self.decoder.output_stride

    def labels(self, input_size: tuple[int, int]) -> list[Label]:
        """`normals`: unit vectors, zero where unknown; `weight`: weight of each cell, sum 1."""
        size = grid_size(input_size, LOGIT_STRIDE)
        return [Label("normals", (3, *size)), Label("weight", size)]

    def has_valid_labels(self, labels: Mapping[str, np.ndarray]) -> bool:
        """Whether any vector is known."""
        return bool(np.any(labels["weight"]))

    def encode(self, sample: Sample) -> dict[str, np.ndarray]:
        """Encode the vectors at every fourth pixel; without the target no cell has a weight.

        Raises:
            DataError: the target is no map of vectors of the image's size.
        """
        vectors, valid = unit(
            strided_target(sample, self.target, (3,), LOGIT_STRIDE, f"head {self.name}")
        )
        return {"normals": vectors.transpose(2, 0, 1), "weight": mean_weights(valid)}

    @once_per_features
    def _vectors(self, features: Features) -> Any:
        """(B, 3, h, w) unit vectors at LOGIT_STRIDE."""
        return sym.L2Normalization(self.decoder(features, self.name, 3), mode="channel")

    def teacher_outputs(self, features: Features) -> dict[str, Any]:
        """`normals`: (B, 3, h, w) unit vectors at a quarter of the input size."""
        return {"normals": self._vectors(features)}

    def teacher_loss(
        self, student: Mapping[str, Any], teacher: Mapping[str, Any], temperature: float
    ) -> Any:
        """(B,) mean of 1 - cos of the angle between both."""
        return normal_distance(student["normals"], teacher["normals"])

    def train(self, features: Features, labels: Mapping[str, Any]) -> dict[str, Any]:
        """`loss`: mean of 1 - cos over the valid cells of each image."""
        cosine = sym.sum(self._vectors(features) * labels["normals"], axis=1)
        return {"loss": sym.sum((1 - cosine) * labels["weight"], axis=(1, 2))}

    def evaluate(self, features: Features) -> dict[str, Any]:
        """`normals`: (B, 3, H, W) unit vectors at input size."""
        size = features.size(LOGIT_STRIDE)
        full = upsample(self._vectors(features), LOGIT_STRIDE, size, features.input_size)
        return {"normals": sym.L2Normalization(full, mode="channel")}

    def view_merger(self, size: tuple[int, int]) -> Merger:
        """A merger that averages vectors at the original size, on the device; flips negate x."""
        return MapMerger(
            size, "normals", lambda maps: unit(maps.transpose(1, 2, 0))[0], negated=(0,)
        )

    def decode(
        self, outputs: Mapping[str, np.ndarray], geometries: Sequence[Geometry]
    ) -> list[np.ndarray]:
        """(H, W, 3) float32 unit vectors at the size of each original image."""
        predictions = []
        for vectors, geometry in zip(outputs["normals"], geometries):
            resampled = map_to_original(vectors.transpose(1, 2, 0), geometry)
            # A flip is its own inverse: the forward matrix is the backward one.
            predictions.append(unit(rotate_vectors(resampled, geometry.matrix))[0])
        return predictions

    def ground_truth(self, targets: Mapping[str, np.ndarray]) -> np.ndarray | None:
        """The original vectors, None without the target."""
        return targets.get(self.target)

    def program_lines(self) -> str:
        """Lines that write the vectors."""
        return write_map(self.name, "normals", channels=True)

    def metrics(self) -> list[Metric]:
        """Mean angle and the other scores of surface normals."""
        return [SurfaceNormals()]

    resizable = True
    hides_image = True

    def draw(self, image: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        """Components of the vectors as red, green and blue."""
        return draw_normals(image, prediction)

    def draw_truth(self, image: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """The true vectors as colours; the image where they are unknown."""
        return draw_normals(image, truth)
