"""Groups of samples that belong into one split: frames of a video, images of a patient."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from densefit.data.sample import Dataset
from densefit.data.sample_id import sample_id
from densefit.datasets.files.labels_csv import read_labels
from densefit.datasets.files.pictures import is_picture
from densefit.errors import ConfigError, DataError

_COLUMN = "group"


def sample_groups(dataset: Dataset, group_by: str, root: str | None, where: str) -> list[str]:
    """The group of each sample.

    Args:
        dataset: of which `picture_file` gives the image's path, where it has one.
        group_by: "folder", a regular expression with one group in parentheses, which is looked for
            in the sample's id, else in its image's path below `root`; or a table, FILE.csv, with
            the columns "id" and "group".
        root: the dataset's folder.
        where: name of the setting, for errors.

    Raises:
        ConfigError: an expression that is none, or without one group.
        DataError: samples without a group.
    """
    ids = [sample_id(dataset, index) for index in range(len(dataset))]
    paths = _Paths(dataset, root)
    if group_by == "folder":
        return [os.path.dirname(key if "/" in key else paths(i)) for i, key in enumerate(ids)]
    group_of = _of_table(group_by, root) if group_by.endswith(".csv") else _of_text(group_by, where)
    groups = []
    for index, key in enumerate(ids):
        group = group_of(key)
        groups.append(group_of(paths(index)) if group is None else group)
    _check_complete(groups, ids, group_by, where)
    return [str(group) for group in groups]


class _Paths:
    """Paths of the samples' images below the dataset's folder; "" where there is none."""

    def __init__(self, dataset: Dataset, root: str | None) -> None:
        self._find: Any = getattr(dataset, "picture_file", None)
        self._root = None if root is None else os.path.abspath(root)

    def __call__(self, index: int) -> str:
        if self._find is None:
            return ""
        try:
            path = os.path.abspath(self._find(index))
        except DataError:  # the sample raises it when it is read
            return ""
        return path if self._root is None else Path(os.path.relpath(path, self._root)).as_posix()


def table_file(group_by: str, root: str | None) -> Path:
    """The file of a table: as named, else below the dataset's folder."""
    path = Path(group_by)
    return path if root is None or path.is_file() else Path(root) / path


def _of_table(group_by: str, root: str | None) -> Callable[[str], str | None]:
    groups = read_labels(table_file(group_by, root), _COLUMN)

    def group_of(text: str) -> str | None:
        stem = os.path.splitext(text)[0] if is_picture(os.path.basename(text)) else text
        names = (text, stem, os.path.basename(stem))
        return next((groups[name] for name in names if name in groups), None)

    return group_of


def _of_text(group_by: str, where: str) -> Callable[[str], str | None]:
    try:
        pattern = re.compile(group_by)
    except re.error as error:
        raise ConfigError(
            f"This is no regular expression: {error}", received=group_by, where=where
        ) from error
    if pattern.groups != 1:
        raise ConfigError(
            "A regular expression of groups has one group in parentheses",
            expected=r"such as (patient\d+)_, a table FILE.csv, or folder",
            received=f"{group_by}, with {pattern.groups}",
            where=where,
        )

    def group_of(text: str) -> str | None:
        match = pattern.search(text)
        return None if match is None else match[1]

    return group_of


def _check_complete(
    groups: Sequence[str | None], ids: Sequence[str], group_by: str, where: str
) -> None:
    lacking = [key for key, group in zip(ids, groups) if not group]
    if lacking:
        raise DataError(
            f"{len(lacking)} of {len(ids)} samples have no group",
            received=", ".join(map(repr, lacking[:3])),
            where=where,
            fix=f"write a line for each into {group_by}, id,group"
            if group_by.endswith(".csv")
            else f"a regular expression that finds a group in each id; {group_by} does not",
        )
