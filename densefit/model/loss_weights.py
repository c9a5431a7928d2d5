"""The factors that heads put on losses: finite, and never negative."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from densefit.errors import ConfigError
from densefit.numeric import is_real, real
from densefit.symbol import sym


def check_weight(value: object, setting: str, where: str) -> None:
    """Raise ConfigError unless it is a finite number of 0 or more: less would be unlearned.

    Args:
        value: factor on a loss.
        setting: name of the setting, for error messages.
        where: the head.
    """
    real(value, setting, least=0.0, where=where)


def class_weights(stated: Sequence[float] | None, count: int, where: str) -> list[float]:
    """Check the class weights; all 1 by default.

    Args:
        stated: weights that the user has set, or None.
        count: number of classes.
        where: head, for error messages.

    Raises:
        ConfigError: another number of weights, a weight that is negative or not finite, or none
            above 0.
    """
    if stated is None:
        return [1.0] * count
    if isinstance(stated, str):
        raise ConfigError(
            "Class weights are numbers",
            expected=f"{count} weights",
            received=repr(stated),
            where=where,
            fix="a recipe takes class_weights: auto; in Python give median_frequency_weights("
            "dataset, head) of densefit.data.classes.pixel_weights, or label_weights(dataset, "
            "head) of densefit.data.classes.label_weights",
        )
    weights = list(stated)
    fits = len(weights) == count and all(is_real(weight) and weight >= 0 for weight in weights)
    if not fits or max(weights) == 0:
        raise ConfigError(
            "Class weights must be at least 0, and one above 0",
            expected=f"{count} weights",
            received=f"{len(weights)}: {weights}",
            where=where,
            fix="leave class_weights out to weigh all classes equally",
        )
    return [float(weight) for weight in weights]


def weight_row(weights: Sequence[float]) -> Any:
    """Symbol of the shape (C,) with the weights as constants."""
    return sym.concat(*(sym.full((1,), weight) for weight in weights), dim=0)
