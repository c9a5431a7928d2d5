"""Rename targets of a dataset whose names mean something else in another dataset."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping

import numpy as np

from densefit.data.classes.known_classes import known_names
from densefit.data.geometry.target_kinds import KINDS, Kind, declare_target
from densefit.data.mixture.box_names import with_members
from densefit.errors import ConfigError, located
from densefit.once import first_time
from densefit.registry import nearest

_log = logging.getLogger("densefit")


def under_new_names(
    targets: Mapping[str, np.ndarray], names: Mapping[str, str]
) -> dict[str, np.ndarray]:
    """Rename a sample's targets; the others keep their names.

    The target with the annotated classes of another one is renamed with it, unless it is named,
    and so is what belongs to boxes; see `with_members`.

    >>> under_new_names({"mask": 1, "depth": 2}, {"mask": "room_mask"})
    {'room_mask': 1, 'depth': 2}
    """
    names = with_members(names)
    names = {**known_names(names), **names}
    return {names.get(name, name): value for name, value in targets.items()}


def check_names(
    dataset: str, names: Mapping[str, str], present: Collection[str], are_all: bool = True
) -> None:
    """Check new names of targets, and declare them to the transforms.

    A new name has the kind of the old one, and the new names of its `flip` and `boxes`.

    Args:
        dataset: its name, for errors.
        names: old name -> new name.
        present: the targets that it has.
        are_all: whether no other can come later. Else a target that no probed sample has is
            renamed where it comes, with a warning.

    Raises:
        ConfigError: a target that does not exist, a duplicate name, or a new name that is already
            declared with another kind.
    """
    where = f"dataset {dataset!r}"
    for old in names:
        if old not in present and not are_all:
            if first_time("not seen to rename", dataset, old):
                _log.warning(
                    "the dataset %r: no sample that was looked at has the target %r, which is "
                    "renamed %r where it comes; they have %s",
                    *(dataset, old, names[old], sorted(present)),
                )
        elif old not in present:
            raise ConfigError(
                f"The dataset {dataset!r} has no target {old!r} to rename",
                where="Mixture(targets=...)",
                fix=nearest(old, present),
            )
    names = with_members(names)
    old_names: dict[str, str] = {}
    for old in present:
        new = names.get(old, old)
        if new in old_names:
            raise ConfigError(
                f"Two targets would be called {new!r}",
                received=f"{old_names[new]!r} and {old!r}",
                where=f"{where}, Mixture(targets=...)",
                fix="another new name, or rename both",
            )
        old_names[new] = old
    for old, new in names.items():
        kind = KINDS.get(old)
        if kind is None and new not in KINDS:
            continue  # a number alone, which needs no declaration; else the transforms tell it
        kind = kind or Kind("plain")
        flip, boxes = names.get(kind.flip, kind.flip), names.get(kind.boxes, "")
        with located(f"{where}, whose target {old!r} is renamed"):
            declare_target(new, kind.name, kind.fill, flip, boxes, kind.role)
