"""A dataset's class numbers as a head's: whatever has names is matched by them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from densefit.data.class_lists import (
    Numbered,
    are_numbers,
    dataset_list,
    head_lists,
    is_borrowed,
    is_points,
    spelled_alike,
)
from densefit.data.class_map import OBJECTS, UNKNOWN, ClassMap
from densefit.data.labelled import looked_at, targets_in
from densefit.data.match import Match
from densefit.data.point_map import PointMap
from densefit.data.sample import Dataset
from densefit.data.sample_check import read_sample
from densefit.data.target import KINDS
from densefit.errors import ConfigError
from densefit.once import first_time
from densefit.registry import nearest

_log = logging.getLogger("densefit")


class Matcher:
    """Matches a dataset with heads, whose names may come to be known later.

    Args:
        dataset: that has the targets; what has no names of its own is matched by numbers.
        heads: that read them.
    """

    def __init__(self, dataset: Any, heads: Iterable[Any]) -> None:
        self._dataset, self._heads = dataset, list(heads)
        self._lists: dict[str, dict[str, list[str]]] | None = None
        self._matches: dict[str, Match] = {}

    def __call__(self) -> dict[str, Match]:
        """Head -> how the dataset's numbers become its own, of the heads whose numbers differ.

        Once found it costs a comparison of lists. What differs from the numbers' order is logged
        once.

        Raises:
            ConfigError: the dataset has a class that a head lacks, or more of them.
        """
        lists = {head.name: head_lists(head) for head in self._heads}
        if lists != self._lists:
            found = {head.name: match_of(self._dataset, head) for head in self._heads}
            self._matches = {name: match for name, match in found.items() if match}
            self._lists = lists
        return self._matches


def match_of(dataset: Any, head: Any) -> Match:
    """How a dataset's numbers become those of one head; see `Matcher`."""
    classes: dict[str, ClassMap] = {}
    points: dict[str, PointMap] = {}
    for target, names in head_lists(head).items():
        own = dataset_list(dataset, target)
        if own is None:
            continue
        where = f"head {head.name!r}, target {target!r}, {_shown(dataset)}"
        _tell_alike(own, where)
        try:
            table = _table(dataset, head, target, own, names, where)
        except ConfigError:
            if target in (targets_in(dataset) or {target}):
                raise
            continue  # the names are those of something else: no sample has the target
        if table is None:
            continue
        if is_points(target):
            points[target] = PointMap(target, np.array(table), len(names), where)
        elif not _is_still(target, table):
            classes[target] = ClassMap(where, np.array(table, np.int64), len(names))
        _tell(own, names, table, where)
    return Match(classes, points)


def _table(
    dataset: Dataset, head: Any, target: str, own: list[str], names: list[str], where: str
) -> list[int] | None:
    """The head's number of each of the dataset's classes, -1 for none; None where all stay."""
    if own == names or (own == names[: len(own)] and isinstance(names, Numbered)):
        return None
    have_none = (are_numbers(names) or are_numbers(own)) and not set(own) & set(names)
    if have_none and len(own) <= len(names):
        return None
    if set(own) != set(names) and is_of_objects(dataset, target):
        return None
    if have_none:
        raise ConfigError(
            f"The dataset has more {_what(target)} than the head {head.name!r}",
            expected=f"at most {len(names)}",
            received=f"{len(own)}: {_listed(own)}",
            where=where,
            fix=f"make the head with the dataset's: {_argument(target)}={own!r}"
            if len(own) < 30
            else "make the head with the dataset's names",
        )
    places = {name: place for place, name in enumerate(names)}
    is_open = isinstance(names, Numbered)  # numbers behind learned names may still get some
    spare = [k for k, name in enumerate(names) if name == str(k)] if is_open else []
    table = []
    for name in own:
        place = places.get(name)
        if place is None and spare:
            place = spare.pop(0)
        if place is None and not _may_lack(head, target):
            raise _lacking(head, target, name, own, names, where)
        table.append(UNKNOWN if place is None else place)
    if max(table) == UNKNOWN:
        raise _lacking(head, target, own[0], own, names, where)
    return table


def _is_still(target: str, table: Sequence[int]) -> bool:
    """Whether nothing of a map changes; `labels` may become longer all the same."""
    is_map = target in KINDS and KINDS[target].name == "map"
    return is_map and list(table) == list(range(len(table)))


def is_of_objects(dataset: Any, target: str) -> bool:
    """Whether the only names that a dataset has for a target are those of its objects.

    `classes` may be those of the boxes and of a mask beside them, whose numbers then have no names.
    """
    if not is_borrowed(dataset, target):
        return False
    for index in looked_at(dataset):
        try:
            return OBJECTS in read_sample(dataset, index).targets
        except Exception:
            continue  # what is broken is told, or skipped, in the epoch
    return False


def _may_lack(head: Any, target: str) -> bool:
    """Whether objects of classes that the head lacks are no concern of it (`Head.some_of`)."""
    return getattr(head, "some_of", None) is not None and not is_points(target)


def _lacking(
    head: Any, target: str, name: str, own: Sequence[str], names: Sequence[str], where: str
) -> ConfigError:
    strange = [one for one in own if one not in names]
    meant = ", ".join(f"{one!r}: ..." for one in strange[:3])
    more = f", ... ({len(strange)})" if len(strange) > 3 else ""
    drop = "" if is_points(target) else "; None drops a class"
    return ConfigError(
        f"The head {head.name!r} lacks the {_what(target)} {', '.join(map(repr, strange[:6]))} of "
        "the dataset",
        expected=f"some of {_listed(names)}",
        received=_listed(own),
        where=where,
        fix=f"make the head with the dataset's names, or say which is which: df.Loader(..., "
        f"rename={{{meant}{more}}}) (recipe: data.rename{drop}); {nearest(name, names)}",
    )


def _tell(own: Sequence[str], names: Sequence[str], table: Sequence[int], where: str) -> None:
    lacking = [name for place, name in enumerate(names) if place not in table]
    moved = [name for k, name in enumerate(own) if table[k] not in (k, UNKNOWN)]
    dropped = [name for k, name in enumerate(own) if table[k] == UNKNOWN]
    parts = []
    if moved:
        parts.append(f"{len(moved)} of {len(own)} have other numbers in the dataset")
    if lacking:
        parts.append(f"the dataset lacks {_listed(lacking)}, which count as not there")
    if dropped:
        parts.append(f"the head leaves out {_listed(dropped)}")
    if parts:
        _once("classes are matched by their names: %s (%s)", "; ".join(parts), where)


def _tell_alike(own: Sequence[str], where: str) -> None:
    for group in spelled_alike(own):
        _once(
            "%s are classes of their own, and differ in their spelling only; if they are one: "
            "df.Loader(..., rename=%r) (recipe: data.rename) (%s)",
            " and ".join(map(repr, group)),
            {name: group[0] for name in group[1:]},
            where,
        )


def _once(text: str, *values: Any) -> None:
    if first_time(text % values):
        _log.warning(text, *values)


def _what(target: str) -> str:
    return "keypoints" if is_points(target) else "classes"


def _argument(target: str) -> str:
    return "keypoints" if is_points(target) else "classes"


def _listed(names: Sequence[str], most: int = 12) -> str:
    """Names in a message; of many, the first."""
    more = f", ... ({len(names)})" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _shown(dataset: Any) -> str:
    text = repr(dataset)
    return text if " at 0x" not in text and len(text) < 200 else type(dataset).__name__
