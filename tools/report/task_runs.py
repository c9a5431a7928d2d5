"""Finished single-task and multi-task runs: scores, cost, and groups by recipe."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from densefit.callbacks.jsonl import read_lines
from densefit.datasets.files.json_file import read_json
from densefit.errors import ConfigError, DataError
from densefit.tools.report.run_history import names
from densefit.yaml_files.document import read_document

CONFLICT = "conflict/"  # prefix of such numbers in a history
APART = ("out", "seed", "resume")  # settings in which runs of one recipe may differ


@dataclass(frozen=True)
class TaskRun:
    """A finished training, read from its folder.

    Attributes:
        name: unique name.
        recipe: settings without seed and folder, as text: equal for runs with other seeds.
        scores: primary score of each head, "<head>/<number>", for several datasets
            "<dataset>/<head>/<number>"; nan if undefined.
        higher: score -> whether a high value is better.
        cost: parameters, ms_per_update, peak_memory_mib..., as far as recorded.
        conflict: "<head>~<head>" -> cosine between their gradients; empty if not measured.
    """

    name: str
    recipe: str
    scores: Mapping[str, float]
    higher: Mapping[str, bool]
    cost: Mapping[str, float] = field(default_factory=dict)
    conflict: Mapping[str, float] = field(default_factory=dict)

    @property
    def heads(self) -> list[str]:
        """The heads that were scored."""
        return list(dict.fromkeys(head_of(key) for key in self.scores))


@dataclass(frozen=True)
class Group:
    """Runs of one recipe with several seeds.

    Attributes:
        name: common part of the runs' names.
        runs: at least one run.
    """

    name: str
    runs: Sequence[TaskRun]


def head_of(key: str) -> str:
    """Name of the head in a score's full name.

    >>> head_of("bccd/detection/AP"), head_of("detection/AP")
    ('detection', 'detection')
    """
    return key.split("/")[-2]


def read_task_runs(folders: Sequence[str]) -> list[TaskRun]:
    """Read the runs in folders.

    Raises:
        ConfigError: no folder, or a folder twice.
        DataError: a folder does not contain a finished training.
    """
    if not folders:
        raise ConfigError("No run is given", fix="list run folders (--out of trainings)")
    paths = [Path(text) for text in folders]
    real_paths = [os.path.realpath(path) for path in paths]  # circular links raise no error here
    for real_path, text in zip(real_paths, folders):
        if real_paths.count(real_path) > 1:
            raise ConfigError("A run is given twice", received=text)
    return [read_task_run(path, name) for path, name in zip(paths, names(paths))]


def read_task_run(path: Path, name: str) -> TaskRun:
    """Read the run in a folder.

    Raises:
        DataError: the run is missing or not finished, or its primary scores are not recorded.
    """
    for needed in ("scores.json", "scored.json", "config.yaml"):
        if not (path / needed).is_file():
            raise DataError(
                f"The run has no {needed}",
                where=path,
                fix="choose the folder of a finished training",
            )
    higher = read_json(path / "scored.json", "account of the scores").get("primary")
    if not higher:
        raise DataError(
            "The run does not record the primary scores of its heads",
            expected='"primary" in scored.json, which training tools write',
            where=path,
            fix="train it again",
        )
    scores = read_json(path / "scores.json", "scores")
    primary_scores = {
        key: math.nan if scores.get(key) is None else float(scores[key]) for key in higher
    }
    recipe = read_document(path / "config.yaml", "settings of the run").value
    if not isinstance(recipe, dict):
        raise DataError("The run has no settings", where=path / "config.yaml")
    same = {key: value for key, value in recipe.items() if key not in APART}
    cost = path / "cost.json"
    return TaskRun(
        name,
        json.dumps(same, sort_keys=True),
        primary_scores,
        {key: bool(high) for key, high in higher.items()},
        read_json(cost, "cost") if cost.is_file() else {},
        read_conflict(path),
    )


def read_conflict(path: Path) -> dict[str, float]:
    """Cosines between heads' gradients from conflict.json, else their mean in the history."""
    if (path / "conflict.json").is_file():
        cosines = read_json(path / "conflict.json", "cosines between heads")
        return {key: math.nan if v is None else v for key, v in cosines.items() if "~" in key}
    cosines_by_pair: dict[str, list[float]] = {}
    for line in read_lines(path / "scalars.jsonl"):
        for key, value in line.items():
            if key.startswith(CONFLICT) and "~" in key and value is not None:
                cosines_by_pair.setdefault(key[len(CONFLICT) :], []).append(value)
    return {key: math.fsum(values) / len(values) for key, values in cosines_by_pair.items()}


def grouped(runs: Sequence[TaskRun]) -> list[Group]:
    """Group runs that differ only in their seeds, in order of appearance.

    Raises:
        DataError: runs of a recipe were scored on different data or heads.
    """
    by_recipe: dict[str, list[TaskRun]] = {}
    for run in runs:
        by_recipe.setdefault(run.recipe, []).append(run)
    groups = []
    for recipe_runs in by_recipe.values():
        for run in recipe_runs:
            if set(run.scores) != set(recipe_runs[0].scores):
                raise DataError(
                    "Two runs of one recipe have different scores",
                    expected=sorted(recipe_runs[0].scores),
                    received=sorted(run.scores),
                    where=run.name,
                )
        groups.append(Group(common_name([run.name for run in recipe_runs]), recipe_runs))
    taken = [group.name for group in groups]
    return [
        Group(group.runs[0].name, group.runs) if taken.count(group.name) > 1 else group
        for group in groups
    ]


def common_name(run_names: Sequence[str]) -> str:
    """Common part of the names of several runs, without the number of the seed.

    >>> common_name(["both-0", "both-1"]), common_name(["a-0"]), common_name(["a", "b"])
    ('both', 'a-0', 'a')
    """
    if len(run_names) == 1:
        return run_names[0]
    return os.path.commonprefix(list(run_names)).rstrip("-_./0123456789") or run_names[0]


def as_plain(value: Any) -> Any:
    """Convert to JSON values, with None for nan."""
    if isinstance(value, Mapping):
        return {key: as_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
