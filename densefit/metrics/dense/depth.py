"""Errors of depth maps, as papers report them."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from densefit.errors import ConfigError
from densefit.metrics.core.additive import AdditiveMetric
from densefit.metrics.core.arrays import each_sample
from densefit.metrics.core.metric import metrics
from densefit.metrics.dense.depth_errors import NUMBERS, common_logarithm, depth_errors
from densefit.metrics.dense.depth_planes import depth_and_valid, plane
from densefit.once import first_time

logger = logging.getLogger(__name__)


@metrics.register("depth")
class Depth(AdditiveMetric):
    """AbsRel, SqRel, RMSE, RMSE_log, log10, SILog and delta1 to 3 of depth maps.

    Each number is the mean over images of the number of one image (pooling all pixels gives other
    values), as in mmsegmentation's DepthMetric, with the formulas of Eigen et al., "Depth Map
    Prediction from a Single Image using a Multi-Scale Deep Network", NIPS 2014. Predictions are
    neither clipped nor scaled to the median. Images without valid pixels count nowhere.

    SILog is the KITTI benchmark's (times 100, and free of any common factor of the depths), as
    BTS and AdaBins print it; mmsegmentation's "silog" is sqrt(mean(d**2) - mean(d)**2 / 2).

    A prediction is (H, W) or (1, H, W) in the unit of the truth, whose size may be another for
    each sample. A target is a map of that size, or {"depth": map, "valid": mask}.

    Args:
        min_depth, max_depth: a pixel counts if its true depth is between them (neither included),
            and positive. Papers have 0.001 and 10 (metres) for NYU, 0.001 and 80 for KITTI.

    Attributes:
        sums: (9,) float64, the images' numbers summed, in the order of `NUMBERS`.
        images: number of images with valid pixels.
    """

    name = "depth"
    primary = "AbsRel"
    higher_is_better = False
    opposite = ("delta1", "delta2", "delta3")
    sums: np.ndarray
    images: int

    def __init__(self, min_depth: float = 0.0, max_depth: float = math.inf) -> None:
        if not 0.0 <= min_depth < max_depth:
            raise ConfigError(
                "The limits of depth are out of order",
                expected="0 <= min_depth < max_depth",
                received=f"{min_depth}, {max_depth}",
            )
        self.min_depth = min_depth
        self.max_depth = max_depth
        super().__init__({"sums": ((len(NUMBERS),), float), "images": ((), int)})

    def update(
        self, predictions: Sequence[Any], targets: Sequence[Any], ids: Sequence[str]
    ) -> None:
        for prediction, target, key in each_sample(predictions, targets, ids):
            depth, valid = depth_and_valid(target, key)
            numbers = depth_errors(
                plane(prediction, "prediction", key),
                depth,
                valid,
                self.min_depth,
                self.max_depth,
                key,
            )
            if numbers is not None:
                self.sums += numbers
                self.images += 1

    def compute(self) -> dict[str, float]:
        means = self.sums / self.images if self.images else np.full(len(NUMBERS), np.nan)
        numbers = dict(zip(NUMBERS, means.tolist()))
        thousand = abs(common_logarithm(numbers) - math.log(1000.0)) < 0.5
        if thousand and first_time("a factor of a thousand", self.name):
            logger.warning(
                "The predicted depths are about %s of the true ones: is one of them in millimetres "
                "and the other in metres?",
                "a thousandth" if numbers["AbsRel"] < 1 else "a thousand times",
            )
        return numbers
