"""Histories of several runs side by side: read, named, and their best scores."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from densefit.callbacks.jsonl import read_lines
from densefit.errors import ConfigError, DataError
from densefit.metrics import metrics
from densefit.model.heads.loss_terms import LossTerms
from densefit.registry import load_plugins

KNOWN = ("scalars.jsonl", "metrics.jsonl")  # written by our programs, and the name in the docs


@dataclass(frozen=True)
class Run:
    """The history of a training.

    Attributes:
        name: unique name.
        lines: records that `JSONLines` wrote.
    """

    name: str
    lines: Sequence[dict[str, Any]]

    def best(self, key: str, higher: bool) -> dict[str, Any] | None:
        """Validation with the best score, the earliest of equal ones."""
        scored = [line for line in self.validations() if line.get(key) is not None]
        sign = 1 if higher else -1
        return max(scored, key=lambda line: sign * line[key], default=None)

    def validations(self) -> list[dict[str, Any]]:
        """The lines of kind "validation"."""
        return [line for line in self.lines if line["kind"] == "validation"]


def read_runs(texts: Sequence[str]) -> list[Run]:
    """Read the runs in folders or files, under the shortest unique names.

    Raises:
        ConfigError: no path, or a path twice.
        DataError: a folder or file has no history.
    """
    if not texts:
        raise ConfigError(
            "No run is given", fix="list run folders (--out of a training) or .jsonl files"
        )
    paths = [Path(text) for text in texts]
    files = [history_file(path) for path in paths]
    for index, file in enumerate(files):
        if os.path.realpath(file) in [os.path.realpath(other) for other in files[:index]]:
            raise ConfigError("A run is given twice", received=texts[index])
    runs = []
    for name, file in zip(names(paths), files):
        try:
            lines = read_lines(file)
        except (UnicodeDecodeError, RecursionError, OSError) as error:
            raise DataError(
                f"This is not the history of a training: {error}",
                where=file,
                fix="list run folders (--out of a training) or .jsonl files",
            ) from error
        if not lines:
            raise DataError(
                "The history is empty",
                where=file,
                fix="leave the run out: nothing has been trained yet",
            )
        runs.append(Run(name, lines))
    return runs


def history_file(path: Path) -> Path:
    """Find the history file of a run's folder.

    Raises:
        DataError: the folder has no history, or several.
    """
    if path.is_file():
        return path
    if not path.is_dir():
        raise DataError("There is no such run", where=path)
    for name in KNOWN:
        if (path / name).is_file():
            return path / name
    histories = sorted(path.glob("*.jsonl"))
    if len(histories) != 1:
        raise DataError(
            "The folder has no history of a run"
            if not histories
            else "The run has several histories",
            expected=" or ".join(KNOWN),
            received=", ".join(file.name for file in histories) or "no .jsonl file",
            where=path,
            fix="name the file" if histories else None,
        )
    return histories[0]


def names(paths: Sequence[Path]) -> list[str]:
    """Shortest unique endings of paths.

    >>> names([Path("runs/a"), Path("runs/b"), Path("old/b")])
    ['a', 'runs/b', 'old/b']
    """
    parts = [path.resolve().parts if path.name in ("", "..") else path.parts for path in paths]
    counts = [1] * len(parts)

    def ending(index: int) -> str:
        return "/".join(parts[index][-counts[index] :])

    for _ in range(max(map(len, parts))):
        now = [ending(index) for index in range(len(parts))]
        counts = [
            min(count + (now.count(name) > 1), len(path_parts))
            for count, name, path_parts in zip(counts, now, parts)
        ]
    return [ending(index) for index in range(len(parts))]


def directions() -> dict[str, bool]:
    """Whether a high value is better by name of the score, as registered metrics declare."""
    load_plugins()
    higher_is_better = {LossTerms.primary: LossTerms.higher_is_better}
    for name in metrics.names():
        metric = metrics.get(name)
        primary = getattr(metric, "primary", None)
        if isinstance(primary, str):
            higher_is_better[primary] = bool(metric.higher_is_better)  # type: ignore[attr-defined]
    return higher_is_better
