"""Validation of numeric settings: type, finiteness and range."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from numbers import Real
from typing import Any

from densefit.errors import ConfigError


def is_real(value: object) -> bool:
    """Return whether a value is a finite real number; numpy's are, True and "1" are not.

    >>> [is_real(value) for value in (1, 0.5, float("nan"), True, "1")]
    [True, True, False, False, False]
    """
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def whole(
    value: Any, name: str, least: int | None = 0, most: int | None = None, where: object = None
) -> int:
    """Validate a whole number in a range; returns Python's int. 2.0 is accepted, too.

    >>> whole(3, "epochs"), whole(2.0, "epochs")
    (3, 2)

    Args:
        value: value of the setting.
        name: name of the setting.
        least: minimum; None for none.
        most: maximum; None for none.
        where: owner of the setting, for the error message.

    Raises:
        ConfigError: not a whole number, or out of range.
    """
    number: int | None = None
    if is_real(value):
        try:
            number = operator.index(value)
        except TypeError:
            number = int(value) if value == int(value) else None
    small = number is not None and least is not None and number < least
    if number is None or small or (most is not None and number > most):
        raise _wrong(f"a whole number{_range(least, None, most, None)}", value, name, where)
    return number


def check_whole(
    value: Any, name: str, least: int | None = 0, most: int | None = None, where: object = None
) -> None:
    """Validate a whole number that is used without conversion, so that 2.0 is refused."""
    whole(value, name, least, most, where)
    if not hasattr(value, "__index__"):
        raise _wrong(f"a whole number{_range(least, None, most, None)}", value, name, where)


def real(
    value: Any,
    name: str,
    *,
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
    below: float | None = None,
    where: object = None,
) -> float:
    """Validate a finite number in a range; returns Python's float.

    Args:
        value: value of the setting.
        name: name of the setting.
        least: minimum.
        above: exclusive minimum.
        most: maximum.
        below: exclusive maximum.
        where: owner of the setting, for the error message.

    Raises:
        ConfigError: not a finite number, or out of range.
    """
    if is_real(value) and not (
        (least is not None and value < least)
        or (above is not None and value <= above)
        or (most is not None and value > most)
        or (below is not None and value >= below)
    ):
        return float(value)
    raise _wrong(f"a finite number{_range(least, above, most, below)}", value, name, where)


#: Optimizer setting -> range; other settings are not checked.
OPTIMIZER: Mapping[str, Mapping[str, float]] = {
    "learning_rate": {"least": 0.0},
    "wd": {"least": 0.0},
    "momentum": {"least": 0.0, "below": 1.0},
    "beta1": {"least": 0.0, "below": 1.0},
    "beta2": {"least": 0.0, "below": 1.0},
    "rho": {"least": 0.0, "below": 1.0},
    "gamma1": {"least": 0.0, "below": 1.0},
    "gamma2": {"least": 0.0, "below": 1.0},
    "epsilon": {"least": 0.0},
    "eps": {"least": 0.0},
    "eta": {"least": 0.0},
    "clip_gradient": {},  # negative: no clipping, as in MXNet
}


def check_optimizer(settings: Mapping[str, Any], where: object = None) -> None:
    """Raise ConfigError if an optimizer setting is not a number in its range."""
    for name, limits in OPTIMIZER.items():
        if settings.get(name) is not None:
            real(settings[name], name, **limits, where=where)


def _range(
    least: float | None, above: float | None, most: float | None, below: float | None
) -> str:
    parts = [
        f"{word} {limit:g}" if isinstance(limit, float) else f"{word} {limit}"
        for word, limit in (
            ("at least", least),
            ("above", above),
            ("at most", most),
            ("below", below),
        )  # fmt: skip
        if limit is not None
    ]
    return f", {' and '.join(parts)}" if parts else ""


def _wrong(expected: str, value: object, name: str, where: object) -> ConfigError:
    hint = None
    if isinstance(value, str):
        try:  # YAML 1.1 reads 1e-3 as a string, and command-line values are strings
            hint = f"write {name}={float(value):g}, without quotes and, in YAML, with a point"
        except ValueError:
            hint = None
    return ConfigError(
        f"The setting {name!r} is out of range",
        expected=expected,
        received=f"{name}={value!r}",
        where=where,
        fix=hint,
    )
