"""A dataset's class numbers as a head's: whatever has names is matched by them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from densefit.data.annotated import ask_once
from densefit.data.checks.sample import read_sample
from densefit.data.classes.class_lists import (
    Numbered,
    are_numbers,
    dataset_list,
    head_lists,
    is_from_classes,
    is_points,
)
from densefit.data.classes.class_map import OBJECTS, UNKNOWN, ClassMap
from densefit.data.classes.keypoint_matching import PointMap
from densefit.data.classes.matching_report import (
    listed,
    tell_alike,
    tell_match,
    tell_nameless,
    what,
)
from densefit.data.classes.target_mapping import TargetMapping
from densefit.data.geometry.target_kinds import KINDS
from densefit.data.sample import Dataset
from densefit.data.sample_id import dataset_name
from densefit.data.targets_present import looked_at_with, targets_in, targets_present
from densefit.errors import ConfigError, DataError
from densefit.registry import nearest

LABELS = ("label", "labels")  # of a whole picture


class ClassMatcher:
    """Matches a dataset with heads, whose names may come to be known later.

    Args:
        dataset: that has the targets; what has no names of its own is matched by numbers.
        heads: that read them.
    """

    def __init__(self, dataset: Any, heads: Iterable[Any]) -> None:
        self._dataset, self._heads = dataset, list(heads)
        self._lists: dict[str, dict[str, list[str]]] | None = None
        self._matches: dict[str, TargetMapping] = {}

    def __call__(self) -> dict[str, TargetMapping]:
        """Head -> how the dataset's numbers become its own, of the heads whose numbers differ.

        Once found it costs a comparison of lists. What differs from the numbers' order is logged
        once.

        Raises:
            ConfigError: the dataset has a class that a head lacks, or more of them.
        """
        lists = {head.name: head_lists(head) for head in self._heads}
        if lists != self._lists:
            with ask_once():
                found = {head.name: match_head(self._dataset, head) for head in self._heads}
            self._matches = {name: match for name, match in found.items() if match}
            self._lists = lists
        return self._matches


def match_head(dataset: Any, head: Any) -> TargetMapping:
    """How a dataset's numbers become those of one head; see `ClassMatcher`."""
    classes: dict[str, ClassMap] = {}
    points: dict[str, PointMap] = {}
    refused: dict[str, ConfigError] = {}
    for target, names in head_lists(head).items():
        own = dataset_list(dataset, target)
        where = f"head {head.name!r}, target {target!r}, {dataset_name(dataset)}"
        if own is None:
            tell_nameless(dataset, target, names, where)
            continue
        tell_alike(own, where)
        try:
            table = _table(dataset, head, target, own, names, where)
        except ConfigError as error:
            held = targets_present(dataset)
            if target in (held.names or {target}):
                raise
            if not held.are_all:
                refused[target] = error  # of the sample that has the target after all
            continue  # the names are those of something else: no sample has the target
        if table is None:
            if set(own) != set(names) and (
                is_of_objects(dataset, target) or is_of_labels(dataset, target)
            ):
                tell_nameless(dataset, target, names, where)
            continue
        if is_points(target):
            points[target] = PointMap(target, np.array(table), len(names), where)
        elif not _is_still(target, table):
            classes[target] = ClassMap(where, np.array(table, np.int64), len(names))
        tell_match(dataset, head.name, target, own, names, table, where)
    return TargetMapping(classes, points, refused)


def _table(
    dataset: Dataset, head: Any, target: str, own: list[str], names: list[str], where: str
) -> list[int] | None:
    """The head's number of each of the dataset's classes, -1 for none; None where all stay."""
    is_open = isinstance(names, Numbered)  # numbers behind learned names may still get some
    if own == names:
        return None
    if own == names[: len(own)] and is_open and not _is_vector(dataset, target, len(own)):
        return None
    have_none = (are_numbers(names) or are_numbers(own)) and not set(own) & set(names)
    if have_none and len(own) <= len(names):
        return None
    if set(own) != set(names) and is_of_objects(dataset, target):
        return None
    if not set(own) & set(names) and is_of_labels(dataset, target):
        return None
    if have_none:
        raise ConfigError(
            f"The dataset has more {what(target)} than the head {head.name!r}",
            expected=f"at most {len(names)}",
            received=f"{len(own)}: {listed(own)}",
            where=where,
            fix=f"make the head with the dataset's: {what(target)}={own!r}"
            if len(own) < 30
            else "make the head with the dataset's names",
        )
    places = {name: place for place, name in enumerate(names)}
    spare = [k for k, name in enumerate(names) if name == str(k)] if is_open else []
    table = []
    for name in own:
        place = places.get(name)
        if place is None and spare:
            place = spare.pop(0)
        if place is None and not _may_lack(head, target):
            raise _lacking(dataset, head, target, name, own, names, where)
        table.append(UNKNOWN if place is None else place)
    if max(table) == UNKNOWN:
        raise _lacking(dataset, head, target, own[0], own, names, where)
    return table


def _is_vector(dataset: Any, target: str, count: int) -> bool:
    """Whether a target has a number for each of `count` classes: with more it becomes longer."""
    if target in KINDS and KINDS[target].name != "plain":
        return False
    for index in looked_at_with(dataset, target):
        try:
            targets = read_sample(dataset, index).targets
        except Exception:
            continue  # what is broken is told, or skipped, in the epoch
        if target in targets:
            return bool(np.shape(targets[target]) == (count,))
    return False


def _is_still(target: str, table: Sequence[int]) -> bool:
    """Whether nothing of a map changes; `labels` may become longer all the same."""
    is_map = target in KINDS and KINDS[target].name == "map"
    return is_map and list(table) == list(range(len(table)))


def is_of_objects(dataset: Any, target: str) -> bool:
    """Whether the only names that a dataset has for a target are those of its objects.

    `classes` may be those of the boxes and of a mask beside them, whose numbers then have no names.
    """
    return is_from_classes(dataset, target) and _has(dataset, OBJECTS)


def is_of_labels(dataset: Any, target: str) -> bool:
    """Whether the only names that a dataset has for a target may be those of its labels beside.

    `classes` are usually theirs. Where a map's head has none of them, its numbers have no names.
    """
    return (
        target not in LABELS
        and is_from_classes(dataset, target)
        and any(is_from_classes(dataset, name) and _has(dataset, name) for name in LABELS)
    )


def _has(dataset: Any, target: str) -> bool:
    try:
        return target in targets_in(dataset)
    except DataError:
        return False  # what is broken is told, or skipped, in the epoch


def _may_lack(head: Any, target: str) -> bool:
    """Whether objects of classes that the head lacks are no concern of it (`Head.class_subset`)."""
    return getattr(head, "class_subset", None) is not None and not is_points(target)


def _lacking(
    dataset: Any,
    head: Any,
    target: str,
    name: str,
    own: Sequence[str],
    names: Sequence[str],
    where: str,
) -> ConfigError:
    strange = [one for one in own if one not in names]
    meant = ", ".join(f"{one!r}: ..." for one in strange[:3])
    more = f", ... ({len(strange)})" if len(strange) > 3 else ""
    drop = "" if is_points(target) else "; None drops a class"
    named = "say which is which"
    if is_from_classes(dataset, target) and target not in LABELS:
        named = f"name those of {target!r} apart (dataset.{target}_classes = [...]), or {named}"
    return ConfigError(
        f"The head {head.name!r} lacks the {what(target)} {', '.join(map(repr, strange[:6]))} of "
        "the dataset",
        expected=f"some of {listed(names)}",
        received=listed(own),
        where=where,
        fix=f"make the head with the dataset's names, or {named}: df.Loader(..., "
        f"rename={{{meant}{more}}}) (recipe: data.rename{drop}); {nearest(name, names)}",
    )
