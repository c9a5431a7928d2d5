"""Parts of a training, by their names and settings in a recipe."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from densefit.callbacks.callback import Callback, callbacks
from densefit.errors import ConfigError, located
from densefit.model.network import Network
from densefit.registry import Registry
from densefit.tools.recipes.recipe import Training
from densefit.train.balance import Balancer, balancers, group
from densefit.train.layer_decay import layer_decay
from densefit.train.nonfinite import Guard
from densefit.train.schedules import Schedule, schedules

_NONE = inspect.Parameter.empty
#: Callback -> its file or folder in a run's folder, where the recipe names none.
_FILES = {"csv": "epochs.csv", "jsonl": "log.jsonl", "wandb": ""}


def make_callbacks(
    training: Training, out: Path, params: Mapping[str, Any] = MappingProxyType({})
) -> list[Callback]:
    """Make the recipe's callbacks; their files are written to the run's folder.

    Args:
        training: settings of the training.
        out: folder of the run.
        params: settings of the run by dotted key, for callbacks that log them.
    """
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
        run = {"params": dict(params), "run_name": out.name}
        about = {key: run[key] for key in _taken(name) if key in run and key not in settings}
        entry = {**settings, **about, **paths}
        created.append(named(callbacks, entry, "training.callbacks"))
    return created


def settings_of_callbacks(training: Training) -> list[dict[str, Any]]:
    """Name and settings of each of the recipe's callbacks."""
    return [entry for entry in training.callbacks if isinstance(entry, dict)]


def _needed_paths(name: str) -> list[str]:
    """Settings of a callback that are a path without a default."""
    taken = _taken(name)
    return [key for key in ("path", "directory") if key in taken and taken[key].default is _NONE]


def _taken(name: Any) -> Mapping[str, inspect.Parameter]:
    """Settings that a callback takes; none if it is unknown: the registry says what is wrong."""
    if not isinstance(name, str) or name not in callbacks.names():
        return {}
    return inspect.signature(callbacks.get(name)).parameters


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


def make_balancer(settings: Mapping[str, Any] | None) -> Balancer | None:
    """Make the loss balancer of these settings; None adds up the heads' losses.

    Their setting `heads` names the heads that it balances; by default all.
    """
    if settings is None:
        return None
    rest = {key: value for key, value in settings.items() if key != "heads"}
    balancer = named(balancers, rest, "balance")
    members = settings.get("heads")
    if members is None:
        return balancer
    with located("training.balance"):
        return group(balancer, members)


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
