"""Errors of one depth map, as papers report them."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from densefit.errors import DataError

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
    values = valid_depths(prediction, target, valid, (min_depth, max_depth), where)
    if values is None:
        return None
    predicted, true = values
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


def valid_depths(
    prediction: np.ndarray,
    target: np.ndarray,
    valid: np.ndarray | None,
    limits: tuple[float, float],
    where: str | None,
) -> tuple[np.ndarray, np.ndarray] | None:
    """Predicted and true depths of the valid pixels, (n,) float64 each; None without any.

    Args:
        prediction: (H, W), as of `depth_errors`,
        target: and so are (H, W),
        valid: (H, W) or None,
        limits: (min_depth, max_depth)
        where: and the sample's id.

    Raises:
        DataError: as `depth_errors`.
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
    mask = (target > max(limits[0], 0.0)) & (target < limits[1])  # false where nan
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
    return predicted, true


def common_logarithm(numbers: Mapping[str, float]) -> float:
    """Absolute logarithm of the common factor between predicted and true depths.

    >>> common_logarithm({"RMSE_log": 5.0, "SILog": 300.0})
    4.0
    """
    square = numbers["RMSE_log"] ** 2 - (numbers["SILog"] / 100.0) ** 2
    return math.sqrt(square) if square > 0 else 0.0  # 0 where it is nan too
