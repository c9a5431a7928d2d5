"""Errors of depth maps over all pixels, as comparisons of multi-task methods report them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from densefit.errors import ConfigError
from densefit.metrics.core.additive import AdditiveMetric
from densefit.metrics.core.arrays import each_sample
from densefit.metrics.core.metric import metrics
from densefit.metrics.dense.depth_errors import valid_depths
from densefit.metrics.dense.depth_planes import depth_and_valid, plane


@metrics.register("depth_pixels")
class DepthPixels(AdditiveMetric):
    """The absolute and the relative error of depths, over all valid pixels of the dataset.

    "abs_err", the mean of |p - t| in the unit of the truth, and "rel_err", the mean of |p - t| / t,
    with p predicted and t true. An image counts as its valid pixels do, as in MTAN and LibMTL
    (Liu, Johns, Davison, "End-to-End Multi-Task Learning with Attention", CVPR 2019); the metric
    "depth" has the mean over images.

    Predictions and targets are those of "depth".

    Args:
        min_depth, max_depth: a pixel counts if its true depth is between them (neither included),
            and positive.

    Attributes:
        absolute, relative: sums over pixels.
        pixels: number of valid pixels.
    """

    name = "depth_pixels"
    primary = "abs_err"
    higher_is_better = False
    absolute: float
    relative: float
    pixels: int

    def __init__(self, min_depth: float = 0.0, max_depth: float = math.inf) -> None:
        if not 0.0 <= min_depth < max_depth:
            raise ConfigError(
                "The limits of depth are out of order",
                expected="0 <= min_depth < max_depth",
                received=f"{min_depth}, {max_depth}",
            )
        self.min_depth, self.max_depth = min_depth, max_depth
        super().__init__({"absolute": ((), float), "relative": ((), float), "pixels": ((), int)})

    def update(
        self, predictions: Sequence[Any], targets: Sequence[Any], ids: Sequence[str]
    ) -> None:
        limits = (self.min_depth, self.max_depth)
        for prediction, target, key in each_sample(predictions, targets, ids):
            depth, valid = depth_and_valid(target, key)
            values = valid_depths(plane(prediction, "prediction", key), depth, valid, limits, key)
            if values is not None:
                predicted, true = values
                distance = abs(predicted - true)
                self.absolute += float(distance.sum())
                self.relative += float((distance / true).sum())
                self.pixels += true.size

    def compute(self) -> dict[str, float]:
        pixels = self.pixels or math.nan
        return {"abs_err": self.absolute / pixels, "rel_err": self.relative / pixels}
