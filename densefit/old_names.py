"""Names that `densefit` had itself: readable, with a DeprecationWarning that says the new one."""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any

_NAMES = {
    "df.balance": "CAGrad DWA Fixed GradNorm PCGrad RLW Scheduled Uncertainty",
    "df.callbacks": "Control TrainState",
    "df.errors": "TrainingInterrupted",
    "df.schedules": "CosineRestarts Exponential InverseSquareRoot Joined Linear OneCycle Plateau "
    "Step",
    "df.surgery": "conflict head_parameters layer_decay transfer trunk_parameters with_head "
    "without_head",
    "df.transforms": "Compose",
    "densefit.data.loader.original_size_loader": "OriginalSizeLoader",
    "densefit.data.loader.view_loader": "ViewLoader",
    "densefit.evaluation.score": "score_mixture",
    "densefit.train.history": "History",
}

#: Old name of `densefit` -> its present home: a namespace, "df.surgery", or a module.
OLD_NAMES = {name: home for home, names in _NAMES.items() for name in names.split()}

_REPLACED_BY = {
    "OriginalSizeLoader": "df.Loader.original_size(...)",
    "ViewLoader": "df.Loader.views(...)",
    "score_mixture": "df.score(network, {name: data})",
}


def old_name(name: str) -> Any:
    """The object that `densefit.<name>` was; None if there was none of that name."""
    home = OLD_NAMES.get(name)
    if home is None:
        return None
    present = _REPLACED_BY.get(name, f"{home}.{name}")
    warnings.warn(f"df.{name} is {present} now", DeprecationWarning, stacklevel=3)
    if not home.startswith("df."):
        return getattr(import_module(home), name)
    return getattr(getattr(import_module("densefit"), home.removeprefix("df.")), name)
