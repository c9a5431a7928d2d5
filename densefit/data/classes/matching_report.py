"""Log how a dataset's class names and a head's are matched."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from densefit.data.classes.class_lists import (
    Numbered,
    are_numbers,
    is_points,
    spelled_alike,
)
from densefit.data.classes.class_map import UNKNOWN
from densefit.data.sample_id import dataset_key
from densefit.data.targets_present import targets_in
from densefit.data.wrapped import classes_attribute, points_attribute
from densefit.errors import DataError
from densefit.once import first_time

_log = logging.getLogger("densefit")


def log_match(
    dataset: Any,
    head: str,
    target: str,
    dataset_names: Sequence[str],
    names: Sequence[str],
    table: Sequence[int],
    where: str,
) -> None:
    spare = isinstance(names, Numbered)  # indices that have no names yet
    lacking = [n for k, n in enumerate(names) if k not in table and not (spare and n == str(k))]
    renumbered = [name for k, name in enumerate(dataset_names) if table[k] not in (k, UNKNOWN)]
    dropped = [name for k, name in enumerate(dataset_names) if table[k] == UNKNOWN]
    parts = []
    if renumbered:
        parts.append(f"{len(renumbered)} of {len(dataset_names)} have other numbers in the dataset")
    for name in lacking:  # epochs and scores do not report it again
        first_time("lacks", head, target, name, dataset_key(dataset))
    if lacking:
        parts.append(f"the dataset lacks {listed(lacking)}, which count as not there")
    if dropped:
        parts.append(f"the head leaves out {listed(dropped)}")
    if parts:
        _once("classes are matched by their names: %s (%s)", "; ".join(parts), where)


def warn_similar_names(dataset_names: Sequence[str], where: str) -> None:
    for group in spelled_alike(dataset_names):
        _once(
            "%s are classes of their own, and differ in their spelling only; if they are one: "
            "df.Loader(..., rename=%r) (recipe: data.rename) (%s)",
            " and ".join(map(repr, group)),
            {name: group[0] for name in group[1:]},
            where,
        )


def warn_nameless(dataset: Any, target: str, names: Sequence[str], where: str) -> None:
    """Warn once that classes are matched by index: the head has names and the dataset has none."""
    if dataset is None or len(names) < 2 or are_numbers(names):
        return
    if not first_time("no names", where):
        return
    try:
        if target not in targets_in(dataset):
            return
    except DataError:
        return  # a broken sample is reported, or skipped, in the epoch
    attribute = points_attribute(target) if is_points(target) else classes_attribute(target)
    _log.warning(
        "the head has names of %s, and the dataset has none: its numbers count, 0 is %r. To have "
        "them matched by name, give it an attribute: dataset.%s = [...] (%s)",
        noun(target),
        names[0],
        attribute,
        where,
    )


def _once(text: str, *values: Any) -> None:
    if first_time(text % values):
        _log.warning(text, *values)


def noun(target: str) -> str:
    return "keypoints" if is_points(target) else "classes"


def listed(names: Sequence[str], most: int = 12) -> str:
    """Join names for a message; at most the first `most`."""
    more = f", ... ({len(names)})" if len(names) > most else ""
    return ", ".join(names[:most]) + more
