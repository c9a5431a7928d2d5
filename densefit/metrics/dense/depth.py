"""Errors of depth maps, as papers report them."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from densefit.errors import ConfigError, DataError
from densefit.metrics.core.additive import AdditiveMetric
from densefit.metrics.core.arrays import each_sample, host
from densefit.metrics.core.metric import metrics
from densefit.metrics.dense.valid_maps import map_and_mask
from densefit.once import first_time

logger = logging.getLogger(__name__)

NUMBERS = (
    "AbsRel",
    "SqRel",
    "RMSE",
    "RMSE_log",
    "log10",
    "SILog",
    "delta1",
    "delta2",
    "delta3",
)


def depth_errors(
    prediction: np.ndarray,
    target: np.ndarray,
    valid: np.ndarray | None = None,
    min_depth: float = 0.0,
    max_depth: float = math.inf,
    where: str | None = None,
) -> np.ndarray | None:
    """Compute the nine numbers of one image over its valid pixels.

    With p predicted, t true and d = ln p - ln t: AbsRel mean(|p - t| / t), SqRel
    mean((p - t)**2 / t), RMSE sqrt(mean((p - t)**2)), RMSE_log sqrt(mean(d**2)), log10
    mean(|log10 p - log10 t|), SILog 100 * sqrt(mean(d**2) - mean(d)**2), and delta k the share
    with max(p / t, t / p) < 1.25**k.

    >>> depth_errors(np.full((1, 2), 2.0), np.array([[1.0, 0.0]]))[:3]
    array([1., 1., 1.])

    Args:
        prediction: (H, W) numbers in the unit of the truth.
        target: (H, W) numbers; true depth is unknown where it is nan, infinite or not positive.
        valid: (H, W), 0 or False in pixels that do not count.
        min_depth: pixels with a true depth above it count,
        max_depth: and below it.
        where: the sample's id, for errors.

    Returns:
        (9,) float64 in the order of `NUMBERS`; None if no pixel is valid.

    Raises:
        DataError: the shapes differ, or a prediction that counts is not positive and finite (it
            has no logarithm).
    """
    sample = where if where is None else f"sample {where!r}"
    for what, array in (("prediction", prediction), ("valid mask", valid)):
        if array is not None and array.shape != target.shape:
            raise DataError(
                f"A {what} of depth and its truth differ in shape",
                expected=f"shape {target.shape}",
                received=f"shape {array.shape}",
                where=sample,
                fix="bring the prediction to the original size before scoring",
            )
    target = target.astype(np.float64)
    mask = (target > max(min_depth, 0.0)) & (target < max_depth)  # false where nan
    if valid is not None:
        mask &= valid != 0
    true, predicted = target[mask], prediction[mask].astype(np.float64)
    if not true.size:
        return None
    wrong = ~((predicted > 0) & (predicted < np.inf))
    if wrong.any():
        raise DataError(
            "A predicted depth is not a positive number",
            expected="depth > 0 in every valid pixel",
            received=f"{predicted[wrong][0]:g} (one of {np.count_nonzero(wrong)})",
            where=sample,
            fix="let the head's decode clip depths from below, e.g. at 0.001",
        )
    difference = predicted - true
    ratio = predicted / true
    logarithm = np.log(ratio)
    worst = np.maximum(ratio, true / predicted)
    square = np.square(difference)
    return np.array(
        [
            np.mean(np.abs(difference) / true),
            np.mean(square / true),
            math.sqrt(np.mean(square)),
            math.sqrt(np.mean(np.square(logarithm))),
            np.mean(np.abs(logarithm)) / math.log(10.0),
            100.0 * np.std(logarithm),
            *(np.count_nonzero(worst < 1.25**k) / true.size for k in (1, 2, 3)),
        ]
    )


def common_logarithm(numbers: Mapping[str, float]) -> float:
    """Absolute logarithm of the common factor between predicted and true depths.

    >>> common_logarithm({"RMSE_log": 5.0, "SILog": 300.0})
    4.0
    """
    square = numbers["RMSE_log"] ** 2 - (numbers["SILog"] / 100.0) ** 2
    return math.sqrt(square) if square > 0 else 0.0  # 0 where it is nan too


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
            depth, valid = map_and_mask(target, "depth", "(H, W)", key)
            numbers = depth_errors(
                _plane(prediction, "prediction", key),
                _plane(depth, "truth", key),
                None if valid is None else _plane(valid, "valid mask", key),
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


def _plane(values: Any, what: str, key: str) -> np.ndarray:
    """Read (H, W) or (1, H, W) numbers as (H, W)."""
    array = np.asarray(host(values))
    if array.ndim == 3 and array.shape[0] == 1:
        array = array[0]
    if array.ndim != 2 or array.dtype.kind not in "biuf":
        raise DataError(
            f"A {what} of depth is not a map of numbers",
            expected="shape (H, W)",
            received=f"shape {array.shape}, dtype {array.dtype}",
            where=f"sample {key!r}",
        )
    return array
