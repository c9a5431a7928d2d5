"""The factors that heads put on losses: finite, and never negative."""

from __future__ import annotations

from collections.abc import Sequence

from densefit.errors import ConfigError
from densefit.numeric import is_real, real


def check_weight(value: object, setting: str, where: str) -> None:
    """Raise ConfigError unless it is a finite number of 0 or more: less would be unlearned.

    Args:
        value: factor on a loss.
        setting: that states it.
        where: the head.
    """
    real(value, setting, least=0.0, where=where)


def class_weights(given: Sequence[float] | None, count: int, where: str) -> list[float]:
    """A weight for each class; all 1 by default.

    Args:
        given: as set; None: the default.
        count: classes.
        where: the head.

    Raises:
        ConfigError: not one for each class, one that is no finite number of 0 or more, or none
            above 0.
    """
    if given is None:
        return [1.0] * count
    if isinstance(given, str):
        raise ConfigError(
            "Class weights are numbers",
            expected=f"{count} weights",
            received=repr(given),
            where=where,
            fix="a recipe takes class_weights: auto; in Python give median_frequency_weights("
            "dataset, head) of densefit.data.classes.pixel_weights",
        )
    weights = list(given)
    fits = len(weights) == count and all(is_real(one) and one >= 0 for one in weights)
    if not fits or max(weights) == 0:
        raise ConfigError(
            "Every class needs a weight of at least 0, and one needs more",
            expected=f"{count} weights",
            received=f"{len(weights)}: {weights}",
            where=where,
            fix="leave class_weights out to let all classes count alike",
        )
    return [float(one) for one in weights]
