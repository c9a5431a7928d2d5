"""Parts of a training, by their names and settings in a recipe."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from densefit.callbacks.callback import Callback, callbacks
from densefit.errors import ConfigError
from densefit.model.network import Network
from densefit.registry import Registry
from densefit.tools.recipes.recipe import Training
from densefit.train.balance import Balancer, balancers
from densefit.train.layer_decay import layer_decay
from densefit.train.nonfinite import Guard
from densefit.train.schedules import Schedule, schedules

_NONE = inspect.Parameter.empty
#: Callback -> its file or folder in a run's folder, where the recipe names none.
_FILES = {"csv": "epochs.csv", "jsonl": "log.jsonl"}


def make_callbacks(training: Training, out: Path) -> list[Callback]:
    """Make the recipe's callbacks; their files are written to the run's folder."""
    created = []
    for settings in settings_of_callbacks(training):
        name = settings.get("name")
        paths = {
            key: out / settings[key]
            for key in ("path", "directory")
            if settings.get(key) is not None
        }
        for key in _needed_paths(name) if isinstance(name, str) else ():
            paths.setdefault(key, out / _FILES.get(str(name), str(name)))
        created.append(named(callbacks, {**settings, **paths}, "training.callbacks"))
    return created


def settings_of_callbacks(training: Training) -> list[dict[str, Any]]:
    """Name and settings of each of the recipe's callbacks."""
    return [entry for entry in training.callbacks if isinstance(entry, dict)]


def _needed_paths(name: str) -> list[str]:
    """Settings of a callback that are a path without a default."""
    if name not in callbacks.names():  # the registry says what is wrong with it
        return []
    taken = inspect.signature(callbacks.get(name)).parameters
    return [key for key in ("path", "directory") if key in taken and taken[key].default is _NONE]


def make_guard(training: Training) -> Guard:
    """Make the guard against losses and gradients that are not finite."""
    settings = training.nonfinite
    try:
        return Guard(settings) if isinstance(settings, str) else Guard(**settings)
    except TypeError as error:
        raise ConfigError(
            "These are not the settings of a guard",
            expected="policy, limit and factor",
            received=settings,
            where="training.nonfinite",
        ) from error


def make_groups(training: Training, network: Network) -> dict[str, dict[str, float]]:
    """Factors on learning rate and weight decay, by patterns of parameter names."""
    by_layer = {} if training.layer_decay is None else layer_decay(network, training.layer_decay)
    return {**by_layer, **training.groups}


def make_schedule(training: Training) -> Schedule:
    """Make the learning-rate schedule."""
    return named(schedules, training.schedule, "schedule")


def make_balancer(training: Training) -> Balancer | None:
    """Make the loss balancer; None adds up the heads' losses."""
    return None if training.balance is None else named(balancers, training.balance, "balance")


def named(registry: Registry[Any], settings: Mapping[str, Any], where: str) -> Any:
    """Create the registered object that `{"name": ..., **settings}` describes."""
    if "name" not in settings:
        raise ConfigError(
            f"A {registry.kind} of the recipe has no name",
            received=dict(settings),
            where=where,
            fix=f"name: one of {', '.join(registry.names())}",
        )
    arguments = {key: value for key, value in settings.items() if key != "name"}
    return registry.create(settings["name"], **arguments)
