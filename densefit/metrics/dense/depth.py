"""Errors of depth maps, as they are published."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from typing_extensions import Self

from densefit.errors import CheckpointError, ConfigError, DataError
from densefit.metrics.core.arrays import check_equally_many, host
from densefit.metrics.core.metric import Metric, metrics
from densefit.metrics.core.state import entry
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
    """The nine numbers of one image, over its valid pixels.

    With p predicted, t true and d = ln p - ln t: AbsRel mean(|p - t| / t), SqRel
    mean((p - t)**2 / t), RMSE sqrt(mean((p - t)**2)), RMSE_log sqrt(mean(d**2)), log10
    mean(|log10 p - log10 t|), SILog 100 * sqrt(mean(d**2) - mean(d)**2), and delta k the share
    with max(p / t, t / p) < 1.25**k.

    >>> depth_errors(np.full((1, 2), 2.0), np.array([[1.0, 0.0]]))[:3]
    array([1., 1., 1.])

    Args:
        prediction: (H, W) numbers in the unit of the truth.
        target: (H, W) numbers; nan, infinity and what is not positive has no true depth.
        valid: (H, W), where not to count it is 0 or False.
        min_depth: pixels count whose true depth is above this,
        max_depth: and below this.
        where: the sample's id, for the error.

    Returns:
        (9,) float64 in the order of `NUMBERS`; None if no pixel is valid.

    Raises:
        DataError: the shapes differ, or a prediction that counts is not positive and finite (it
            has no logarithm).
    """
    place = where if where is None else f"sample {where!r}"
    for what, array in (("prediction", prediction), ("valid mask", valid)):
        if array is not None and array.shape != target.shape:
            raise DataError(
                f"A {what} of depth and its truth differ in shape",
                expected=f"shape {target.shape}",
                received=f"shape {array.shape}",
                where=place,
                fix="bring the prediction to the original size before scoring",
            )
    target = target.astype(np.float64)
    mask = (target > max(min_depth, 0.0)) & (target < max_depth)  # false where nan
    if valid is not None:
        mask &= valid != 0
    true, given = target[mask], prediction[mask].astype(np.float64)
    if not true.size:
        return None
    wrong = ~((given > 0) & (given < np.inf))
    if wrong.any():
        raise DataError(
            "A predicted depth is not a positive number",
            expected="depth > 0 in every valid pixel",
            received=f"{given[wrong][0]:g} (one of {np.count_nonzero(wrong)})",
            where=place,
            fix="let the head's decode clip depths from below, e.g. at 0.001",
        )
    difference = given - true
    ratio = given / true
    logarithm = np.log(ratio)
    worst = np.maximum(ratio, true / given)
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
    """The logarithm, 0 or more, of the factor by which predictions and truth differ on the whole.

    >>> common_logarithm({"RMSE_log": 5.0, "SILog": 300.0})
    4.0
    """
    square = numbers["RMSE_log"] ** 2 - (numbers["SILog"] / 100.0) ** 2
    return math.sqrt(square) if square > 0 else 0.0  # 0 where it is nan too


@metrics.register("depth")
class Depth(Metric):
    """AbsRel, SqRel, RMSE, RMSE_log, log10, SILog and delta1 to 3 of depth maps.

    Each number is the mean over images of the image's own number (pooling all pixels gives
    others), as in mmsegmentation's DepthMetric, with the formulas of Eigen et al., "Depth Map
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
        sums: (9,) float64, the images' numbers added up, in the order of `NUMBERS`.
        images: how many have valid pixels.
    """

    name = "depth"
    primary = "AbsRel"
    higher_is_better = False
    opposite = ("delta1", "delta2", "delta3")
    additive = True

    def __init__(self, min_depth: float = 0.0, max_depth: float = math.inf) -> None:
        if not 0.0 <= min_depth < max_depth:
            raise ConfigError(
                "The limits of depth are out of order",
                expected="0 <= min_depth < max_depth",
                received=f"{min_depth}, {max_depth}",
            )
        self.min_depth = min_depth
        self.max_depth = max_depth
        self.reset()

    def reset(self) -> None:
        self.sums = np.zeros(len(NUMBERS))
        self.images = 0

    def update(
        self, predictions: Sequence[Any], targets: Sequence[Any], ids: Sequence[str]
    ) -> None:
        predictions, targets = host(predictions), host(targets)
        check_equally_many(predictions, targets, ids)
        for prediction, target, key in zip(predictions, targets, ids):
            parts = target if isinstance(target, Mapping) else {"depth": target}
            if "depth" not in parts:
                raise DataError(
                    "A truth lacks depth",
                    expected="(H, W), or {'depth': (H, W), 'valid': (H, W)}",
                    received=f"keys {', '.join(parts)}",
                    where=f"sample {key!r}",
                )
            valid = parts.get("valid")
            numbers = depth_errors(
                _plane(prediction, "prediction", key),
                _plane(parts["depth"], "truth", key),
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

    def merge(self, other: Self) -> None:
        self.sums = self.sums + other.sums
        self.images += other.images

    def state_dict(self) -> dict[str, Any]:
        return {"sums": self.sums.copy(), "images": self.images}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        sums = np.array(entry(state, "sums", self.name), np.float64)
        images = int(entry(state, "images", self.name))
        if sums.shape != (len(NUMBERS),):
            raise CheckpointError(
                "The stored sums are not those of a depth metric",
                expected=f"shape ({len(NUMBERS)},)",
                received=f"shape {sums.shape}",
            )
        self.sums, self.images = sums, images


def _plane(values: Any, what: str, key: str) -> np.ndarray:
    """(H, W) numbers, from (1, H, W) too. Raises DataError naming the sample."""
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
