"""Angles between predicted and true surface normals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from densefit.errors import ConfigError, DataError
from densefit.metrics.core.additive import AdditiveMetric
from densefit.metrics.core.arrays import each_sample, host
from densefit.metrics.core.metric import metrics
from densefit.metrics.dense.angles import angles, median_of
from densefit.metrics.dense.valid_maps import map_and_mask

THRESHOLDS = (11.25, 22.5, 30.0)  # degrees


@metrics.register("surface_normals")
class SurfaceNormals(AdditiveMetric):
    """The angle between predicted and true surface normals, over all valid pixels of the dataset.

    "mean_angle", "median_angle" and "RMSE_angle" in degrees, and the shares (0 to 1) of pixels
    "within_11.25", "within_22.5" and "within_30" degrees (below, as published). All pixels are
    pooled: Fouhey, Gupta, Hebert, "Data-Driven 3D Primitives for Single Image Understanding",
    ICCV 2013, and D. Fouhey's notes "Evaluating Surface Normal Predictions".

    A prediction is (H, W, 3), vectors of any length; the size may be another for each sample. A
    target is such an array, or {"normals": array, "valid": (H, W) mask}. A true
    vector that is zero or not finite does not count. A predicted vector of length zero is 90
    degrees off, as with the cosine similarity of the published evaluations.

    All numbers are exact in double precision but the median, which comes from a histogram.

    Args:
        bins: number of bins of the histogram, over 180 degrees. The median is off by less than
            180 / bins degrees (0.003; mostly far less, as angles are interpolated); a state takes
            8 bytes a bin.

    Attributes:
        total, squares: sums of the angles, and of their squares.
        within: (3,) int64, pixels below each of `THRESHOLDS`.
        histogram: (bins + 1,) int64, see `median_of`.
    """

    name = "surface_normals"
    primary = "mean_angle"
    higher_is_better = False
    opposite = tuple(f"within_{limit:g}" for limit in THRESHOLDS)
    total: float
    squares: float
    within: np.ndarray
    histogram: np.ndarray

    def __init__(self, bins: int = 1 << 16) -> None:
        if bins < 1:
            raise ConfigError("A histogram needs bins", expected="1 or more", received=bins)
        self.bins = bins
        super().__init__(
            {
                "total": ((), float),
                "squares": ((), float),
                "within": ((len(THRESHOLDS),), int),
                "histogram": ((bins + 1,), int),
            }
        )

    def update(
        self, predictions: Sequence[Any], targets: Sequence[Any], ids: Sequence[str]
    ) -> None:
        for prediction, target, key in each_sample(predictions, targets, ids):
            errors = angles(*_valid_vectors(prediction, target, key))
            self.total += float(errors.sum())
            self.squares += float(np.square(errors).sum())
            self.within += [np.count_nonzero(errors < limit) for limit in THRESHOLDS]
            # Rounding of the product could put 180 degrees beyond the last bin.
            bins = np.minimum(np.ceil(errors * (self.bins / 180.0)).astype(np.int64), self.bins)
            self.histogram += np.bincount(bins, minlength=self.bins + 1)

    def compute(self) -> dict[str, float]:
        pixels = int(self.histogram.sum())
        nan = float("nan")
        numbers = {
            "mean_angle": self.total / pixels if pixels else nan,
            "median_angle": median_of(self.histogram),
            "RMSE_angle": math.sqrt(self.squares / pixels) if pixels else nan,
        }
        for limit, count in zip(THRESHOLDS, self.within):
            numbers[f"within_{limit:g}"] = float(count / pixels) if pixels else nan
        return numbers


def _valid_vectors(prediction: Any, target: Any, key: str) -> tuple[np.ndarray, np.ndarray]:
    """Predicted and true vectors of the valid pixels, (n, 3) each.

    Raises:
        DataError: shapes differ, or a predicted vector is not finite.
    """
    normals, valid = map_and_mask(target, "normals", "(H, W, 3)", key)
    true = _vectors(normals, "truth", key)
    predicted = _vectors(prediction, "prediction", key)
    mask = _finite(true)
    mask &= (true[..., 0] != 0) | (true[..., 1] != 0) | (true[..., 2] != 0)
    sides = {"prediction": predicted.shape[:2]}
    if valid is not None:
        valid = np.asarray(host(valid))
        sides["valid mask"] = valid.shape
    for what, shape in sides.items():
        if shape != mask.shape:
            raise DataError(
                f"A {what} of normals and its truth differ in size",
                expected=f"(H, W) = {mask.shape}",
                received=f"{shape}",
                where=f"sample {key!r}",
                fix="bring the prediction to the original size before scoring",
            )
    if valid is not None:
        mask &= valid != 0
    predicted = predicted[mask]
    infinite = ~_finite(predicted)
    if infinite.any():
        raise DataError(
            "A predicted normal is not finite",
            received=f"{predicted[infinite][0].tolist()} (one of {np.count_nonzero(infinite)})",
            where=f"sample {key!r}",
        )
    return predicted, true[mask]


def _finite(vectors: np.ndarray) -> np.ndarray:
    """Mask finite vectors, (...) bool; `all` over the short axis takes several times as long."""
    return (
        np.isfinite(vectors[..., 0]) & np.isfinite(vectors[..., 1]) & np.isfinite(vectors[..., 2])
    )


def _vectors(values: Any, what: str, key: str) -> np.ndarray:
    array = np.asarray(host(values))
    if array.ndim != 3 or array.shape[2] != 3 or array.dtype.kind not in "if":
        turned = array.ndim == 3 and array.shape[0] == 3
        raise DataError(
            f"A {what} of normals is not a map of vectors",
            expected="shape (H, W, 3)",
            received=f"shape {array.shape}, dtype {array.dtype}",
            where=f"sample {key!r}",
            fix="put the channels last: array.transpose(1, 2, 0)"
            if turned
            else "decode images of normals first: array / 127.5 - 1",
        )
    return array
