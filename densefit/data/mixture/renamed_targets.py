"""Targets of a dataset under other names, where several datasets call different things alike."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import replace

import numpy as np

from densefit.data.classes.known_classes import known_names
from densefit.data.geometry.target_kinds import KINDS, Kind, declare_target
from densefit.errors import ConfigError, located
from densefit.once import first_time
from densefit.registry import nearest

_log = logging.getLogger("densefit")


def under_new_names(
    targets: Mapping[str, np.ndarray], names: Mapping[str, str]
) -> dict[str, np.ndarray]:
    """A sample's targets; those that are not named keep their names.

    What says which classes of a target are known is renamed with it, if it is not named itself.

    >>> under_new_names({"mask": 1, "depth": 2}, {"mask": "room_mask"})
    {'room_mask': 1, 'depth': 2}
    """
    names = {**known_names(names), **names}
    return {names.get(name, name): value for name, value in targets.items()}


def check_names(
    dataset: str, names: Mapping[str, str], held: Collection[str], are_all: bool = True
) -> None:
    """Whether targets can be renamed so, and declare the new names to the transforms.

    A new name moves with its picture as the old one does. The `flip` of keypoints that is renamed,
    too, is known under its new name.

    Args:
        dataset: its name, to be named in errors.
        names: own name -> new one.
        held: the targets that it has.
        are_all: whether others cannot come later: those are renamed then, and a warning says that
            none was seen.

    Raises:
        ConfigError: a target that it has not, two of one name, or a new name that is already
            declared to move otherwise.
    """
    where = f"dataset {dataset!r}"
    for old in names:
        if old not in held and not are_all:
            if first_time("not seen to rename", dataset, old):
                _log.warning(
                    "the dataset %r: no sample that was looked at has the target %r, which is "
                    "renamed %r where it comes; they have %s",
                    *(dataset, old, names[old], sorted(held)),
                )
        elif old not in held:
            raise ConfigError(
                f"The dataset {dataset!r} has no target {old!r} to rename",
                where="Mixture(targets=...)",
                fix=nearest(old, held),
            )
    called: dict[str, str] = {}
    for old in held:
        new = names.get(old, old)
        if new in called:
            raise ConfigError(
                f"Two targets would be called {new!r}",
                received=f"{called[new]!r} and {old!r}",
                where=f"{where}, Mixture(targets=...)",
                fix="another new name, or rename both",
            )
        called[new] = old
    for old, new in names.items():
        kind = KINDS.get(old)
        if kind is None and new not in KINDS:
            continue  # a number alone, which needs no declaration; else the transforms tell it
        kind = kind or Kind("plain")
        moved = replace(kind, flip=names.get(kind.flip, kind.flip))
        with located(f"{where}, whose target {old!r} is renamed"):
            declare_target(new, moved.name, moved.fill, moved.flip)
