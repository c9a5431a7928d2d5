"""Checks of a panoptic head's settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from densefit.errors import ConfigError


def check_things(things: Sequence[str], classes: Sequence[str], where: str) -> None:
    """Raise ConfigError unless things are distinct names of classes, at least one."""
    if not things or len(set(things)) < len(things) or not set(things) <= set(classes):
        raise ConfigError(
            "The things are not some of the classes",
            expected=f"different names out of {', '.join(classes)}",
            received=things,
            where=where,
        )


def check_settings(
    settings: Mapping[str, Mapping[str, Any]], overlap: float, min_stuff: float, where: str
) -> None:
    """Raise ConfigError for settings out of range, or settings of parts that the head makes.

    Args:
        settings: part -> its settings.
        overlap: share of an instance that must be visible.
        min_stuff: smallest share of the image for stuff.
        where: head, for error messages.
    """
    for part, stated in settings.items():
        taken = [key for key in ("classes", "name") if key in stated]
        if part == "instance" and "target" in stated:
            raise ConfigError(
                "The things of a panoptic head are `boxes`, with `classes` and `instances`",
                expected="no target in its settings 'instance'",
                received=repr(stated["target"]),
                where=where,
                fix="rename the targets in the dataset; the segmentation may have a target",
            )
        if taken:
            raise ConfigError(
                f"The {part} of a panoptic head has its {' and '.join(taken)} from the head",
                where=where,
                fix=f"leave them out of the settings {part!r}",
            )
    if not (0 < overlap <= 1 and 0 <= min_stuff < 1):
        raise ConfigError(
            "A share is out of range",
            expected="overlap above 0 to 1, min_stuff 0 to below 1",
            received=f"overlap={overlap}, min_stuff={min_stuff}",
            where=where,
        )
