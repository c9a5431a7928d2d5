"""Names of the classes that a metric reports."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from densefit.errors import ConfigError

VOID = 255  # usual label of unknown pixels in uint8 masks


def class_names(classes: Sequence[str] | int) -> list[str]:
    """Return the names of classes in index order; a number of classes gives "0", "1", ...

    >>> class_names(3)
    ['0', '1', '2']

    Raises:
        ConfigError: there is no class, or a name comes twice.
    """
    if isinstance(classes, str):
        raise ConfigError(
            "The classes are one string", expected="a list of names or a number", received=classes
        )
    if isinstance(classes, (int, np.integer)):
        names = [str(index) for index in range(int(classes))]
    else:
        names = [str(name) for name in classes]
    twice = sorted({name for name in names if names.count(name) > 1})
    if not names or twice:
        raise ConfigError(
            "A metric over classes needs names that differ",
            expected="at least one class, each name once",
            received=f"{twice} more than once" if twice else repr(classes),
        )
    return names


def check_void(ignore_label: int | None, classes: int) -> None:
    """Raise ConfigError if the usual void label, 255, is one of the class indices."""
    if ignore_label == VOID and classes > VOID:
        raise ConfigError(
            f"ignore_label {VOID}, the default, is one of the {classes} classes",
            expected="None, or a label that is no class, such as 65535 or -1",
            received=f"ignore_label={VOID} and {classes} classes",
            fix="ignore_label=None if every pixel counts",
        )


def mean_defined(values: np.ndarray) -> float:
    """Mean of the values that are not nan; nan if all are.

    >>> mean_defined(np.array([1.0, np.nan, 0.0]))
    0.5
    """
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if defined.size else float("nan")
