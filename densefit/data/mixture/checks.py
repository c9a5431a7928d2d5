"""Checks of the settings of a mixture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from densefit.data.classes.class_map import IGNORE, UNKNOWNS, Renames
from densefit.data.classes.known_classes import LACKINGS
from densefit.data.geometry.target_kinds import KINDS
from densefit.data.mixture.sampler import BATCHES
from densefit.data.sample import Dataset
from densefit.errors import ConfigError, DataError
from densefit.registry import nearest


def check_shares(
    datasets: Mapping[str, Dataset],
    ratio: Mapping[str, float] | None,
    temperature: float | None,
    length: int | None,
    batches: str,
    unknown: str,
    lacking: str,
) -> None:
    """Raise ConfigError for unnamed datasets, or settings out of range; see `Mixture`."""
    if not datasets or any(not name or "/" in name for name in datasets):
        raise ConfigError(
            "A mixture needs datasets, each under a name without '/'", received=list(datasets)
        )
    for name, dataset in datasets.items():
        if len(dataset) == 0:
            raise DataError(f"The dataset {name!r} is empty", where=repr(dataset))
    if ratio is not None and temperature is not None:
        raise ConfigError("Shares are by ratio or by temperature, not by both")
    for name in ratio or ():
        if name not in datasets:
            raise ConfigError(f"A ratio of no dataset: {name!r}", fix=nearest(name, datasets))
    if ratio is not None and set(ratio) != set(datasets):
        raise ConfigError(
            "A ratio has a share of each dataset",
            expected=sorted(datasets),
            received=dict(ratio),
            fix="leave a dataset out of the mixture to leave it out of training",
        )
    for setting, value, fits, expected in (
        *((f"ratio of {n!r}", v, 0 < v < math.inf, "above 0") for n, v in (ratio or {}).items()),
        ("temperature", temperature, temperature is None or temperature > 0, "above 0"),
        ("length", length, length is None or length >= 1, "at least 1"),
        ("batches", batches, batches in BATCHES, " or ".join(BATCHES)),
        ("unknown", unknown, unknown in UNKNOWNS, " or ".join(UNKNOWNS)),
        ("lacking", lacking, lacking in LACKINGS, " or ".join(LACKINGS)),
    ):
        if not fits:
            raise ConfigError(
                f"The setting {setting} of a mixture is out of range",
                expected=expected,
                received=repr(value),
            )


def check_renames(rename: Mapping[str, Renames], class_names: Mapping[str, Sequence[str]]) -> None:
    """Raise ConfigError unless all renamed classes exist.

    Args:
        rename: name of a dataset -> its class name -> new name, or None.
        class_names: name of a dataset -> its class names.
    """
    for name, renames in rename.items():
        if name not in class_names:
            raise ConfigError(
                f"Classes of no dataset are renamed: {name!r}", fix=nearest(name, class_names)
            )
        for old in renames:
            if old not in class_names[name]:
                raise ConfigError(
                    f"The dataset {name!r} has no class {old!r} to rename",
                    where="Mixture(rename=...)",
                    fix=nearest(old, class_names[name]),
                )


def check_common(common: Sequence[str], target: str) -> None:
    """Raise ConfigError for common classes that are empty, not unique, or too many."""
    of_bytes = target in KINDS and KINDS[target].name == "map"
    if not common or len(set(common)) < len(common) or (of_bytes and len(common) > IGNORE):
        raise ConfigError(
            f"The common classes of the target {target!r} must be different names",
            expected=f"1 to {IGNORE} names" if of_bytes else "one or more names",
            received=f"{len(common)}: {list(common)}",
            where="Mixture(classes=...)",
        )
