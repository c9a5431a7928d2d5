"""Match a dataset's classes and keypoints with a head's, by name."""

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
    log_match,
    noun,
    warn_nameless,
    warn_similar_names,
)
from densefit.data.classes.target_mapping import TargetMapping
from densefit.data.geometry.box_members import BOXES
from densefit.data.geometry.target_kinds import KINDS
from densefit.data.sample import Dataset
from densefit.data.sample_id import dataset_name
from densefit.data.targets_present import looked_at_with, targets_in, targets_present
from densefit.errors import ConfigError, DataError
from densefit.registry import nearest

LABELS = ("label", "labels")  # image-level targets


class ClassMatcher:
    """Match a dataset with heads, whose class names may be learned later.

    Args:
        dataset: the dataset; targets without class names are matched by index.
        heads: heads that read the dataset's targets.
    """

    def __init__(self, dataset: Any, heads: Iterable[Any]) -> None:
        self._dataset, self._heads = dataset, list(heads)
        self._lists: dict[str, dict[str, list[str]]] | None = None
        self._matches: dict[str, TargetMapping] = {}

    def __call__(self) -> dict[str, TargetMapping]:
        """Return head -> target mapping, for the heads whose classes differ from the dataset's.

        Later calls cost a comparison of lists. Differences are logged once.

        Raises:
            ConfigError: the dataset has a class that a head lacks, or more classes.
        """
        lists = {head.name: head_lists(head) for head in self._heads}
        if lists != self._lists:
            with ask_once():
                matches = {head.name: match_head(self._dataset, head) for head in self._heads}
            self._matches = {name: match for name, match in matches.items() if match}
            self._lists = lists
        return self._matches


def match_head(dataset: Any, head: Any) -> TargetMapping:
    """Match a dataset with one head; see `ClassMatcher`."""
    classes: dict[str, ClassMap] = {}
    points: dict[str, PointMap] = {}
    refused: dict[str, ConfigError] = {}
    for target, names in head_lists(head).items():
        dataset_names = dataset_list(dataset, target)
        where = f"head {head.name!r}, target {target!r}, {dataset_name(dataset)}"
        if dataset_names is None:
            warn_nameless(dataset, target, names, where)
            continue
        warn_similar_names(dataset_names, where)
        try:
            table = _table(dataset, head, target, dataset_names, names, where)
        except ConfigError as error:
            present = targets_present(dataset)
            if target in (present.names or {target}):
                raise
            if not present.are_all:
                refused[target] = error  # raised if a sample has the target after all
            continue  # the names belong to another target: no sample has this one
        if table is None:
            if set(dataset_names) != set(names) and (
                is_of_objects(dataset, target) or is_of_labels(dataset, target)
            ):
                warn_nameless(dataset, target, names, where)
            continue
        if is_points(target):
            points[target] = PointMap(target, np.array(table), len(names), where)
        elif not _is_identity(target, table):
            classes[target] = ClassMap(where, np.array(table, np.int64), len(names))
        log_match(dataset, head.name, target, dataset_names, names, table, where)
    return TargetMapping(classes, points, refused, getattr(head, "box_target", BOXES))


def _table(
    dataset: Dataset, head: Any, target: str, dataset_names: list[str], names: list[str], where: str
) -> list[int] | None:
    """Return the head's index of each dataset class, -1 for none; None if nothing changes."""
    is_open = isinstance(names, Numbered)  # indices after the learned names may still be named
    if dataset_names == names:
        return None
    if (
        dataset_names == names[: len(dataset_names)]
        and is_open
        and not _is_vector(dataset, target, len(dataset_names))
    ):
        return None
    have_none = (are_numbers(names) or are_numbers(dataset_names)) and not set(dataset_names) & set(
        names
    )
    if have_none and len(dataset_names) <= len(names):
        return None
    if set(dataset_names) != set(names) and is_of_objects(dataset, target):
        return None
    if not set(dataset_names) & set(names) and is_of_labels(dataset, target):
        return None
    if have_none:
        raise ConfigError(
            f"The dataset has more {noun(target)} than the head {head.name!r}",
            expected=f"at most {len(names)}",
            received=f"{len(dataset_names)}: {listed(dataset_names)}",
            where=where,
            fix=f"make the head with the dataset's: {noun(target)}={dataset_names!r}"
            if len(dataset_names) < 30
            else "make the head with the dataset's names",
        )
    indices = {name: index for index, name in enumerate(names)}
    spare = [k for k, name in enumerate(names) if name == str(k)] if is_open else []
    table = []
    for name in dataset_names:
        index = indices.get(name)
        if index is None and spare:
            index = spare.pop(0)
        if index is None and not _may_lack(head, target):
            raise _lacking(dataset, head, target, name, dataset_names, names, where)
        table.append(UNKNOWN if index is None else index)
    if max(table) == UNKNOWN:
        raise _lacking(dataset, head, target, dataset_names[0], dataset_names, names, where)
    return table


def _is_vector(dataset: Any, target: str, count: int) -> bool:
    """Whether a target holds one number for each of `count` classes."""
    if target in KINDS and KINDS[target].name != "plain":
        return False
    for index in looked_at_with(dataset, target):
        try:
            targets = read_sample(dataset, index).targets
        except Exception:
            continue  # a broken sample is reported, or skipped, in the epoch
        if target in targets:
            return bool(np.shape(targets[target]) == (count,))
    return False


def _is_identity(target: str, table: Sequence[int]) -> bool:
    """Whether a map target keeps its indices; `labels` may still become longer."""
    is_map = target in KINDS and KINDS[target].name == "map"
    return is_map and list(table) == list(range(len(table)))


def is_of_objects(dataset: Any, target: str) -> bool:
    """Whether a target's only class names are the dataset's object classes.

    `classes` names the classes of the boxes; the indices of a mask beside them then have no names.
    """
    return is_from_classes(dataset, target) and _has(dataset, OBJECTS)


def is_of_labels(dataset: Any, target: str) -> bool:
    """Whether a target's only class names may be the classes of the image-level labels.

    `classes` usually names the labels. If a map's head has none of these, the map's indices have
    no names.
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
        return False  # a broken sample is reported, or skipped, in the epoch


def _may_lack(head: Any, target: str) -> bool:
    """Whether a head ignores objects of other classes (`Head.class_subset`)."""
    return getattr(head, "class_subset", None) is not None and not is_points(target)


def _lacking(
    dataset: Any,
    head: Any,
    target: str,
    name: str,
    dataset_names: Sequence[str],
    names: Sequence[str],
    where: str,
) -> ConfigError:
    missing = [other for other in dataset_names if other not in names]
    renames = ", ".join(f"{other!r}: ..." for other in missing[:3])
    more = f", ... ({len(missing)})" if len(missing) > 3 else ""
    drop = "" if is_points(target) else "; None drops a class"
    fix = "say which is which"
    if is_from_classes(dataset, target) and target not in LABELS:
        fix = f"name those of {target!r} apart (dataset.{target}_classes = [...]), or {fix}"
    return ConfigError(
        f"The head {head.name!r} lacks the {noun(target)} {', '.join(map(repr, missing[:6]))} of "
        "the dataset",
        expected=f"some of {listed(names)}",
        received=listed(dataset_names),
        where=where,
        fix=f"make the head with the dataset's names, or {fix}: df.Loader(..., "
        f"rename={{{renames}{more}}}) (recipe: data.rename{drop}); {nearest(name, names)}",
    )
