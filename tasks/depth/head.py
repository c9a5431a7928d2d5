"""The depth head: a depth for every pixel, trained at stride 4, scored at original size."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.data.geometry.strided_map import grid_size, mean_weights, strided_target
from densefit.data.geometry.to_original import map_to_original
from densefit.data.sample import Geometry, Sample
from densefit.engine.map_averaging import MapMerger
from densefit.errors import located
from densefit.metrics import Depth as DepthErrors
from densefit.metrics import DepthPixels, Metric
from densefit.model.decoders import LOGIT_STRIDE, make_decoder
from densefit.model.distillation.losses import depth_distance
from densefit.model.heads.head import Features, Head, Label, heads
from densefit.model.heads.program_lines import write_map
from densefit.model.heads.teachable import once_per_features
from densefit.model.layers import upsample
from densefit.model.tta.view_merger import Merger
from densefit.symbol import init, sym

from .checks import check_settings
from .drawing import common_range, draw_depth
from .loss import depth_loss


@heads.register("depth")
class Depth(Head):
    """A depth for every pixel, in metres along the camera's axis.

    Needs a target `depth`: (H, W) float32 metres, 0 (or not finite) where unknown. Depths of at
    most `min_depth`, or of `max_depth` and more, are unknown in training and in scores.
    Predictions are (H, W) float32 within these limits; the network predicts the position between
    them on a logarithmic scale.

    Crops, flips and resizing move pixels and do not change depths. Objects in an enlarged image
    look nearer than they are, as through a longer lens: strong scaling (random_scale_crop over a
    wide range, views of several scales) makes size useless as a cue.

    Args:
        name: prefix of outputs and parameters.
        weight: factor on the loss.
        loss: "silog", "l1" (metres) or "berhu", or a list of them to sum; see `.loss`.
        scale_invariance: lambda of "silog", 0 to 1.
        min_depth: metres, above 0; this depth and smaller depths are unknown.
        max_depth: metres; 10 for rooms, 80 for streets; this depth and larger depths are unknown.
        decoder: "deeplabv3+", "ddrnet", "fcn", "lraspp", "pspnet", "segformer", "unet", or a
            registered one.
        channels: width of the decoder; None: its default.
        rates: dilations of the atrous pyramid of "deeplabv3+"; None: 6, 12 and 18.
        decoder_settings: further settings of the decoder.
        target: name of the target to learn. A new target is first declared to the transforms:
            `declare_target("disparity", "map", 0)` of `densefit.data.transforms`.
        metric: "images" (AbsRel and others, means over images), "pixels" (`abs_err` and
            `rel_err` over all pixels, as MTAN and LibMTL have them), or "both".

    Raises:
        ConfigError: an unknown loss, decoder or metric, or a setting out of range.
    """

    def __init__(
        self,
        name: str = "depth",
        weight: float = 1.0,
        loss: str | Sequence[str] = "silog",
        scale_invariance: float = 0.5,
        min_depth: float = 0.1,
        max_depth: float = 10.0,
        decoder: str = "deeplabv3+",
        channels: int | None = None,
        rates: Sequence[int] | None = None,
        target: str = "depth",
        decoder_settings: Mapping[str, Any] | None = None,
        metric: str = "images",
    ) -> None:
        where = f"head {name!r}"
        self.losses = (loss,) if isinstance(loss, str) else tuple(loss)
        check_settings(where, self.losses, (min_depth, max_depth), scale_invariance, metric)
        with located(where):
            self.decoder = make_decoder(decoder, channels, rates, decoder_settings)
        self.name, self.weight, self.metric = name, weight, metric
        self.scale_invariance = scale_invariance
        self.min_depth, self.max_depth = min_depth, max_depth
        self.target, self.targets = target, (target,)
        self.output_stride = self.decoder.output_stride

    def labels(self, input_size: tuple[int, int]) -> list[Label]:
        """`depth`: metres, 0 where unknown; `weight`: weight of each cell, adding up to 1."""
        size = grid_size(input_size, LOGIT_STRIDE)
        return [Label("depth", size), Label("weight", size)]

    def has_valid_labels(self, labels: Mapping[str, np.ndarray]) -> bool:
        """Whether any depth is known."""
        return bool(np.any(labels["weight"]))

    def encode(self, sample: Sample) -> dict[str, np.ndarray]:
        """Encode the depths at every fourth pixel; without the target no cell has a weight.

        Raises:
            DataError: the target is no map of the image's size.
        """
        small = strided_target(sample, self.target, (), LOGIT_STRIDE, f"head {self.name}")
        valid = (small > self.min_depth) & (small < self.max_depth)  # false where nan
        return {"depth": np.where(valid, small, np.float32(0)), "weight": mean_weights(valid)}

    @once_per_features
    def _log_depth(self, features: Features) -> Any:
        """(B, 1, h, w) logarithm of the depth at LOGIT_STRIDE, within the limits."""
        # Starts in the middle: elsewhere the sigmoid is flat and gradients are small.
        position = sym.sigmoid(self.decoder(features, self.name, 1, init.Normal(0.01)))
        return math.log(self.min_depth) + position * math.log(self.max_depth / self.min_depth)

    def teacher_outputs(self, features: Features) -> dict[str, Any]:
        """`log_depth`: (B, 1, h, w) logarithm of metres at a quarter of the input size."""
        return {"log_depth": self._log_depth(features)}

    def teacher_loss(
        self, student: Mapping[str, Any], teacher: Mapping[str, Any], temperature: float
    ) -> Any:
        """(B,) mean square of the difference of the logarithms."""
        return depth_distance(student["log_depth"], teacher["log_depth"])

    def train(self, features: Features, labels: Mapping[str, Any]) -> dict[str, Any]:
        """Each loss by its name, over the valid cells of each image."""
        log_depth = sym.squeeze(self._log_depth(features), axis=1)
        return {
            kind: depth_loss(
                kind, log_depth, labels["depth"], labels["weight"], self.scale_invariance
            )
            for kind in self.losses
        }

    def evaluate(self, features: Features) -> dict[str, Any]:
        """`depth`: (B, H, W) metres at input size."""
        depth = sym.exp(self._log_depth(features))
        size = features.size(LOGIT_STRIDE)
        full = upsample(depth, LOGIT_STRIDE, size, features.input_size)
        return {"depth": sym.squeeze(full, axis=1)}

    def view_merger(self, size: tuple[int, int]) -> Merger:
        """A merger that averages depths at the original size, on the device."""
        return MapMerger(size, "depth", lambda maps: self._clipped(maps[0]), has_channels=False)

    def _clipped(self, depth: np.ndarray) -> np.ndarray:
        """Depths within the limits, which resampling and means may exceed by a rounding error."""
        return np.clip(depth, self.min_depth, self.max_depth)

    def decode(
        self, outputs: Mapping[str, np.ndarray], geometries: Sequence[Geometry]
    ) -> list[np.ndarray]:
        """(H, W) float32 metres at the size of each original image."""
        maps = zip(outputs["depth"], geometries)
        return [self._clipped(map_to_original(depth, geometry)) for depth, geometry in maps]

    def ground_truth(self, targets: Mapping[str, np.ndarray]) -> np.ndarray | None:
        """The original depths, None without the target."""
        return targets.get(self.target)

    def program_lines(self) -> str:
        """Lines that write the depths."""
        return write_map(self.name, "depth")

    def metrics(self) -> list[Metric]:
        """Scores of the depth metrics that `metric` names, within the head's limits."""
        limits = (self.min_depth, self.max_depth)
        metrics: list[Metric] = []
        if self.metric in ("images", "both"):
            metrics.append(DepthErrors(*limits))
        if self.metric in ("pixels", "both"):
            metrics.append(DepthPixels(*limits))
        return metrics

    resizable = True
    hides_image = True

    def draw(self, image: np.ndarray, prediction: np.ndarray) -> np.ndarray:
        """Depths as colours, from near (red) to far (blue), with a scale in metres."""
        return draw_depth(image, prediction)

    def draw_truth(self, image: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """The true depths as colours; the image where they are unknown."""
        return draw_depth(image, truth)

    def draw_both(
        self, image: np.ndarray, truth: np.ndarray, prediction: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Both with the colours of a common range."""
        ends = common_range(truth, prediction)
        return draw_depth(image, truth, ends), draw_depth(image, prediction, ends)
