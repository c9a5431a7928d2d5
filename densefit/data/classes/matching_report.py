"""What is said of how a dataset's names and a head's are matched."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from densefit.data.classes.class_lists import (
    POINT_NAMES,
    Numbered,
    are_numbers,
    is_points,
    spelled_alike,
)
from densefit.data.classes.class_map import OBJECTS, UNKNOWN
from densefit.data.sample_id import dataset_key
from densefit.data.targets_present import targets_in
from densefit.errors import DataError
from densefit.once import first_time

_log = logging.getLogger("densefit")


def tell_match(
    dataset: Any,
    head: str,
    target: str,
    own: Sequence[str],
    names: Sequence[str],
    table: Sequence[int],
    where: str,
) -> None:
    spare = isinstance(names, Numbered)  # whose numbers have no names yet
    lacking = [n for k, n in enumerate(names) if k not in table and not (spare and n == str(k))]
    moved = [name for k, name in enumerate(own) if table[k] not in (k, UNKNOWN)]
    dropped = [name for k, name in enumerate(own) if table[k] == UNKNOWN]
    parts = []
    if moved:
        parts.append(f"{len(moved)} of {len(own)} have other numbers in the dataset")
    for name in lacking:  # no epoch and no score says it again
        first_time("lacks", head, target, name, dataset_key(dataset))
    if lacking:
        parts.append(f"the dataset lacks {listed(lacking)}, which count as not there")
    if dropped:
        parts.append(f"the head leaves out {listed(dropped)}")
    if parts:
        _once("classes are matched by their names: %s (%s)", "; ".join(parts), where)


def tell_alike(own: Sequence[str], where: str) -> None:
    for group in spelled_alike(own):
        _once(
            "%s are classes of their own, and differ in their spelling only; if they are one: "
            "df.Loader(..., rename=%r) (recipe: data.rename) (%s)",
            " and ".join(map(repr, group)),
            {name: group[0] for name in group[1:]},
            where,
        )


def tell_nameless(dataset: Any, target: str, names: Sequence[str], where: str) -> None:
    """Log once that numbers count, where a head has names and the data have none for them."""
    if dataset is None or len(names) < 2 or are_numbers(names):
        return
    if not first_time("no names", where):
        return
    try:
        if target not in targets_in(dataset):
            return
    except DataError:
        return  # what is broken is told, or skipped, in the epoch
    own = POINT_NAMES if is_points(target) else f"{target}_classes"
    own = "classes" if target == OBJECTS else own
    _log.warning(
        "the head has names of %s, and the dataset has none: its numbers count, 0 is %r. To have "
        "them matched by name, give it an attribute: dataset.%s = [...] (%s)",
        what(target),
        names[0],
        own,
        where,
    )


def _once(text: str, *values: Any) -> None:
    if first_time(text % values):
        _log.warning(text, *values)


def what(target: str) -> str:
    return "keypoints" if is_points(target) else "classes"


def listed(names: Sequence[str], most: int = 12) -> str:
    """Names in a message; of many, the first."""
    more = f", ... ({len(names)})" if len(names) > most else ""
    return ", ".join(names[:most]) + more
