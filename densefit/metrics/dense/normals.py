"""Angles between predicted and true surface normals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from typing_extensions import Self

from densefit.errors import CheckpointError, ConfigError, DataError
from densefit.metrics.core.arrays import check_equally_many, host
from densefit.metrics.core.metric import Metric, metrics
from densefit.metrics.core.state import entry

THRESHOLDS = (11.25, 22.5, 30.0)  # degrees


def angles(prediction: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Angles between vectors, (...) float64 in degrees, 0 to 180.

    By atan2 of the cross and the dot product, which needs no unit vectors and is right to the
    last digits everywhere. The cosine alone is flat near 0 and 180 degrees: there, arccos of the
    dot product of float32 unit vectors is off by some hundredths of a degree.

    >>> angles(np.array([0.0, 0.0, 2.0]), np.array([0.0, 3.0, 3.0]))
    45.0

    Args:
        prediction: (..., 3) finite vectors of any length. A vector of length zero is at right
            angles to everything.
        target: (..., 3), as `prediction`.
    """
    ax, ay, az = _planes(prediction)
    bx, by, bz = _planes(target)
    cross = np.sqrt(
        np.square(ay * bz - az * by) + np.square(az * bx - ax * bz) + np.square(ax * by - ay * bx)
    )
    dot = ax * bx + ay * by + az * bz
    found = np.degrees(np.arctan2(cross, dot))
    return np.where((cross == 0) & (dot == 0), 90.0, found)[()]


def _planes(vectors: np.ndarray) -> np.ndarray:
    """(3, ...) float64, the largest component made 1: no product over- or underflows."""
    planes = np.array(np.moveaxis(vectors, -1, 0), np.float64, order="C")
    largest = np.abs(planes).max(axis=0)
    np.divide(planes, largest, out=planes, where=largest > 0)
    return planes


def median_of(histogram: np.ndarray) -> float:
    """The median of angles that were counted in bins; nan if there are none.

    Within a bin the angles are taken as evenly spread. The error is below the width of a bin.

    >>> median_of(np.array([3, 1, 0]))
    0.0

    Args:
        histogram: (bins + 1,) counts; the first is of angles that are exactly 0, and b of those
            above (b - 1) * w and up to b * w, where w = 180 / bins degrees.
    """
    reached = np.cumsum(histogram)
    total = int(reached[-1])
    if not total:
        return float("nan")
    width = 180.0 / (len(histogram) - 1)
    middle = []
    for rank in ((total - 1) // 2, total // 2):
        place = int(np.searchsorted(reached, rank, side="right"))
        before = reached[place] - histogram[place]
        within = (rank - before + 0.5) / histogram[place]
        middle.append((place - 1 + within) * width if place else 0.0)
    return float(sum(middle) / 2)


@metrics.register("surface_normals")
class SurfaceNormals(Metric):
    """The angle between predicted and true surface normals, over all valid pixels of the dataset.

    "mean_angle", "median_angle" and "RMSE_angle" in degrees, and the shares (0 to 1) of pixels
    "within_11.25", "within_22.5" and "within_30" degrees (below, as published). All pixels are
    pooled: Fouhey, Gupta, Hebert, "Data-Driven 3D Primitives for Single Image Understanding",
    ICCV 2013, and D. Fouhey's notes "Evaluating Surface Normal Predictions".

    A prediction is (H, W, 3), vectors of any length; the size may be another for each sample. A
    target is such an array, or {"normals": array, "valid": (H, W) mask}. Where a true vector is
    zero or not finite, it is not known and does not count. A predicted vector of length zero is
    90 degrees off, as with the cosine similarity of the published evaluations.

    All numbers are exact in double precision but for the median, which comes from a histogram.

    Args:
        bins: of the histogram, over 180 degrees. The median is off by less than 180 / bins degrees
            (0.003; mostly by far less, as angles are interpolated); a state takes 8 bytes a bin.

    Attributes:
        total, squares: sums of the angles, and of their squares.
        within: (3,) int64, pixels below each of `THRESHOLDS`.
        histogram: (bins + 1,) int64, see `median_of`.
    """

    name = "surface_normals"
    primary = "mean_angle"
    higher_is_better = False
    opposite = tuple(f"within_{limit:g}" for limit in THRESHOLDS)
    additive = True

    def __init__(self, bins: int = 1 << 16) -> None:
        if bins < 1:
            raise ConfigError("A histogram needs bins", expected="1 or more", received=bins)
        self.bins = bins
        self.reset()

    def reset(self) -> None:
        self.total = self.squares = 0.0
        self.within = np.zeros(len(THRESHOLDS), np.int64)
        self.histogram = np.zeros(self.bins + 1, np.int64)

    def update(
        self, predictions: Sequence[Any], targets: Sequence[Any], ids: Sequence[str]
    ) -> None:
        predictions, targets = host(predictions), host(targets)
        check_equally_many(predictions, targets, ids)
        for prediction, target, key in zip(predictions, targets, ids):
            found = angles(*_valid_vectors(prediction, target, key))
            self.total += float(found.sum())
            self.squares += float(np.square(found).sum())
            self.within += [np.count_nonzero(found < limit) for limit in THRESHOLDS]
            # Up to the last digit of a multiplication, 180 degrees might land beyond the last bin.
            places = np.minimum(np.ceil(found * (self.bins / 180.0)).astype(np.int64), self.bins)
            self.histogram += np.bincount(places, minlength=self.bins + 1)

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

    def merge(self, other: Self) -> None:
        self.total += other.total
        self.squares += other.squares
        self.within = self.within + other.within
        self.histogram = self.histogram + other.histogram

    def state_dict(self) -> dict[str, Any]:
        return {
            "total": self.total,
            "squares": self.squares,
            "within": self.within.copy(),
            "histogram": self.histogram.copy(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        total, squares = (float(entry(state, key, self.name)) for key in ("total", "squares"))
        within = np.array(entry(state, "within", self.name), np.int64)
        histogram = np.array(entry(state, "histogram", self.name), np.int64)
        if within.shape != self.within.shape or histogram.shape != self.histogram.shape:
            raise CheckpointError(
                "The stored histogram of angles has other bins",
                expected=f"shape {self.histogram.shape}",
                received=f"shape {histogram.shape}",
                fix=f"SurfaceNormals(bins={histogram.size - 1})",
            )
        self.total, self.squares = total, squares
        self.within, self.histogram = within, histogram


def _valid_vectors(prediction: Any, target: Any, key: str) -> tuple[np.ndarray, np.ndarray]:
    """The predicted and the true vectors of the valid pixels, (n, 3) each.

    Raises:
        DataError: what was given does not fit; names the sample.
    """
    parts = target if isinstance(target, Mapping) else {"normals": target}
    if "normals" not in parts:
        raise DataError(
            "A truth lacks normals",
            expected="(H, W, 3), or {'normals': (H, W, 3), 'valid': (H, W)}",
            received=f"keys {', '.join(parts)}",
            where=f"sample {key!r}",
        )
    true = _vectors(parts["normals"], "truth", key)
    given = _vectors(prediction, "prediction", key)
    mask = _finite(true)
    mask &= (true[..., 0] != 0) | (true[..., 1] != 0) | (true[..., 2] != 0)
    sides = {"prediction": given.shape[:2]}
    if parts.get("valid") is not None:
        valid = np.asarray(host(parts["valid"]))
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
    if "valid mask" in sides:
        mask &= valid != 0
    given = given[mask]
    wild = ~_finite(given)
    if wild.any():
        raise DataError(
            "A predicted normal is not finite",
            received=f"{given[wild][0].tolist()} (one of {np.count_nonzero(wild)})",
            where=f"sample {key!r}",
        )
    return given, true[mask]


def _finite(vectors: np.ndarray) -> np.ndarray:
    """Which vectors are, (...) bool; an `all` over the short axis takes several times as long."""
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
            else "decode pictures of normals first: array / 127.5 - 1",
        )
    return array
