"""Schedules as text on the command line."""

from __future__ import annotations

import shlex
from dataclasses import replace
from typing import Any

from densefit.errors import ConfigError, located
from densefit.tools.recipes.parts import named
from densefit.train.schedules import Plateau, Resolved, Schedule, schedules
from densefit.yaml_files.document import load


def from_text(text: str) -> Schedule:
    """Make the schedule that a text on the command line describes.

    Raises:
        ConfigError: an unknown name or setting, or a text that cannot be read.
    """
    try:
        if text.lstrip().startswith("{"):
            settings = load(text)
        else:
            name, *pairs = shlex.split(text)
            settings = {"name": name, **dict(map(setting, pairs))}
    except (ValueError, ConfigError) as error:
        raise ConfigError(
            "A schedule cannot be read",
            expected='"cosine lr=0.1 warmup=5%" or "{name: cosine, lr: 0.1}"',
            received=repr(text),
        ) from error
    if "name" in settings and "lr" not in settings and settings["name"] != "joined":
        settings["lr"] = 1.0
    schedule: Schedule = named(schedules, settings, text)
    return schedule


def setting(pair: str) -> tuple[str, Any]:
    """Parse name and value; YAML would read the value of "lr=1e-3" as text.

    >>> setting("lr=1e-3"), setting("at=[60%,80%]"), setting("warmup=5")
    (('lr', 0.001), ('at', ['60%', '80%']), ('warmup', 5))

    Raises:
        ValueError: the text has no "=".
    """
    key, text = pair.split("=", 1)
    value = load(text)
    try:
        return key, float(value) if isinstance(value, str) else value
    except ValueError:
        return key, value


def as_text(settings: dict[str, Any]) -> str:
    """Describe settings of a schedule in the form that `from_text` reads.

    >>> as_text({"name": "cosine", "lr": 0.1})
    'cosine lr=0.1'
    """
    pairs = [f"{key}={value}" for key, value in settings.items() if key != "name"]
    return " ".join([str(settings.get("name", "")), *pairs])


def resolved(label: str, schedule: Schedule, total: int, per_epoch: int) -> Resolved:
    """Resolve a schedule to a length; one that follows scores is shown without scores."""
    if isinstance(schedule, Plateau) and schedule.higher_is_better is None:
        schedule = replace(schedule, higher_is_better=True)
    with located(label):
        return schedule.resolve(total, per_epoch)
