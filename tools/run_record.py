"""What a run is made with: versions, commit, machine and data, of each of its starts."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from densefit.backend import available_cpus, mx
from densefit.checkpoint.atomic import replace_file
from densefit.data.fingerprint import fingerprint
from densefit.data.sample import Dataset

FILE = "environment.json"
PACKAGES = ("densefit", "mxnet", "numpy", "opencv-python-headless", "opencv-python", "pycocotools")


def record_start(out: Path, data: Mapping[str, Dataset], seed: int, resume: str) -> None:
    """Add this start to the run's environment.json: a list with an entry for each.

    Args:
        out: the run's folder.
        data: split -> its dataset.
        seed: of everything random.
        resume: what it continues from.
    """
    path = out / FILE
    before = _read(path) if resume != "none" else []
    text = json.dumps([*before, environment(data, seed, resume)], indent=1)
    replace_file(path, [f"{text}\n".encode()])


def environment(data: Mapping[str, Dataset], seed: int, resume: str) -> dict[str, Any]:
    """What this process computes with and on; JSON-able."""
    now = datetime.datetime.now(datetime.timezone.utc)
    return {
        "started": now.isoformat(timespec="seconds"),
        "command": sys.argv,
        "directory": os.getcwd(),
        "git": commit(Path.cwd()),
        "versions": {"python": platform.python_version(), **_versions()},
        "platform": platform.platform(),
        "cpus": available_cpus(),
        "threads": os.environ.get("OMP_NUM_THREADS"),
        "gpus": mx.context.num_gpus(),
        "seed": seed,
        "resume": resume,
        "data": {split: fingerprint(dataset) for split, dataset in data.items()},
    }


def commit(directory: Path) -> dict[str, Any] | None:
    """{"commit": ..., "changed": files that differ from it}; None without git or a repository."""

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", *arguments],
            cwd=directory,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        ).stdout

    try:
        changed = [line[3:] for line in git("status", "--porcelain").splitlines()]
        return {"commit": git("rev-parse", "HEAD").strip(), "changed": changed}
    except (OSError, subprocess.SubprocessError):
        return None


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _read(path: Path) -> list[Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # none yet, or another program's
        return []
    return found if isinstance(found, list) else []
