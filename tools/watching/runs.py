"""Find the runs below a folder, without following links."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_MARKS = ("config.yaml", "scalars.jsonl")
_DEPTH = 4  # folders between the watched one and a run
_MOST = 500  # runs
_STILL = 300.0  # seconds without a line after which a training is no longer called running


@dataclass(frozen=True)
class FoundRun:
    """A run below the watched folder.

    Attributes:
        name: its path below the folder, with slashes; "." for the folder itself.
        folder: its path.
        changed: time of its last line, in seconds.
        is_finished: whether it has scores, or had no new line for five minutes.
    """

    name: str
    folder: Path
    changed: float
    is_finished: bool


def find_runs(root: Path) -> dict[str, FoundRun]:
    """Runs by name, the latest first; at most 500.

    Args:
        root: the watched folder, or a run.
    """
    runs = [_run(root, folder) for folder in _folders(root, 0)]
    runs.sort(key=lambda run: (-run.changed, run.name))
    return {run.name: run for run in runs[:_MOST]}


def _folders(folder: Path, depth: int) -> Iterator[Path]:
    """Folders that are runs; nothing below a run is one."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:  # not readable, or removed meanwhile
        return
    if any(entry.name in _MARKS and entry.is_file(follow_symlinks=False) for entry in entries):
        yield folder
        return
    if depth < _DEPTH:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                yield from _folders(Path(entry.path), depth + 1)


def _run(root: Path, folder: Path) -> FoundRun:
    times = [_time(folder / name) for name in _MARKS]
    changed = max(times)
    is_finished = (folder / "scores.json").exists() or time.time() - changed > _STILL
    return FoundRun(folder.relative_to(root).as_posix(), folder, changed, is_finished)


def _time(path: Path) -> float:
    try:
        return path.lstat().st_mtime
    except OSError:
        return 0.0
