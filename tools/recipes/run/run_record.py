"""Record the environment of each start of a run, its end, and its cost."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from densefit import engine
from densefit.callbacks import Callback, Control, TrainState
from densefit.callbacks.memory_use import memory_in_use
from densefit.checkpoint.storage.atomic import replace_file
from densefit.data.fingerprint import fingerprint
from densefit.data.loader.loader import Loader
from densefit.data.sample import Dataset
from densefit.plugin_files import imported
from densefit.process.cpus import available_cpus

FILE = "environment.json"
COST_FILE = "cost.json"
TRAINING = ("data", "copy", "forward", "metric", "backward", "update")  # phases of the clock
PACKAGES = ("densefit", "mxnet", "numpy", "opencv-python-headless", "opencv-python", "pycocotools")


class RunRecorder(Callback):
    """Write config.yaml and environment.json when the training begins.

    Not before: a refused resume leaves the run's folder unchanged.

    Args:
        out: folder of the run.
        text: the recipe as YAML.
        data: split -> dataset.
        seed: seed of the run.
        resume: checkpoint that the run continues from.
        loaders: loaders of some of `data`, whose fingerprints are reused.
        records: file name -> JSON values to write beside; empty ones are not written.
    """

    def __init__(
        self,
        out: Path,
        text: str,
        data: Mapping[str, Dataset],
        seed: int,
        resume: str,
        loaders: Sequence[Loader] = (),
        records: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    ) -> None:
        self._out, self._text, self._about = out, text, (data, seed, resume, loaders)
        self._records = records

    def fit_started(self, state: TrainState, control: Control) -> None:
        """Write the files."""
        replace_file(self._out / "config.yaml", [self._text.encode()])
        for name, values in self._records.items():
            if values:
                replace_file(self._out / name, [f"{json.dumps(values, indent=1)}\n".encode()])
        record_start(self._out, *self._about, engine.engine_name(model=state.network))


def record_start(
    out: Path,
    data: Mapping[str, Dataset],
    seed: int,
    resume: str,
    loaders: Sequence[Loader] = (),
    engine_name: str | None = None,
) -> None:
    """Append this start to the list in the run's environment.json.

    Args:
        out: folder of the run.
        data: split -> dataset.
        seed: seed of the run.
        resume: checkpoint that the run continues from.
        loaders: see `RunRecorder`.
        engine_name: engine that trains.
    """
    path = out / FILE
    before = _read(path) if resume != "none" else []
    text = json.dumps([*before, environment(data, seed, resume, loaders, engine_name)], indent=1)
    replace_file(path, [f"{text}\n".encode()])


def record_end(out: Path, update: int, stop_reason: str | None) -> None:
    """Add to the last start in environment.json that the run has ended as planned, or early.

    Args:
        out: folder of the run.
        update: updates done.
        stop_reason: why the training stopped early; None if it did not.
    """
    starts = _read(out / FILE)
    if not starts:
        return
    ended = {"time": _now(), "update": update, "stop_reason": stop_reason}
    text = json.dumps([*starts[:-1], {**starts[-1], "ended": ended}], indent=1)
    replace_file(out / FILE, [f"{text}\n".encode()])


def environment(
    data: Mapping[str, Dataset],
    seed: int,
    resume: str,
    loaders: Sequence[Loader] = (),
    engine_name: str | None = None,
) -> dict[str, Any]:
    """Versions, hardware and data of this process, as JSON values."""
    return {
        "started": _now(),
        "command": sys.argv,
        "directory": os.getcwd(),
        "git": commit(Path.cwd()),
        "versions": {"python": platform.python_version(), **_versions()},
        "platform": platform.platform(),
        "cpus": available_cpus(),
        "threads": os.environ.get("OMP_NUM_THREADS"),
        "engine": engine.engine_name(engine_name),
        "gpus": len(engine.device_memory(engine_name)),
        "seed": seed,
        "resume": resume,
        "plugins": {file.path: file.sha256 for file in imported()},
        "data": {split: _fingerprint(dataset, loaders) for split, dataset in data.items()},
    }


def _fingerprint(dataset: Dataset, loaders: Sequence[Loader]) -> dict[str, Any]:
    """Fingerprint of a dataset, from its loader if that has computed it."""
    for loader in loaders:
        if loader.dataset is dataset:
            return loader.fingerprint
    return fingerprint(dataset)


class Cost(Callback):
    """Write cost.json at the end of a training.

    - `parameters`: number of parameters, without the statistics of BatchNorm;
    - `updates`: of this process, `ms_per_update`: with data loading, without validation;
    - `seconds`: of the whole training, resumes included;
    - `peak_memory_mib`: peak memory of the process, validation included.

    Args:
        out: folder of the run.
    """

    def __init__(self, out: Path) -> None:
        self.path = out / COST_FILE

    def fit_ended(self, state: TrainState, error: BaseException | None) -> None:
        """Write the file, unless the training failed or was already finished."""
        if error is not None or state.clock.updates == 0:
            return
        seconds = sum(state.clock.seconds[phase] for phase in TRAINING)
        record = {
            "parameters": sum(
                int(np.prod(array.shape)) for array in state.network.parameters.values()
            ),
            "updates": state.clock.updates,
            "ms_per_update": round(1000 * seconds / state.clock.updates, 3),
            "seconds": round(state.seconds, 3),
            "peak_memory_mib": round(memory_in_use()["memory/host_peak"], 1),
        }
        replace_file(self.path, [f"{json.dumps(record, indent=1)}\n".encode()])


def commit(directory: Path) -> dict[str, Any] | None:
    """Commit and changed files of a git repository; None without one."""

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


def _now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")


def _versions() -> dict[str, str]:
    record = {}
    for name in PACKAGES:
        try:
            record[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return record


def _read(path: Path) -> list[Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # none yet, or another program's
        return []
    return record if isinstance(record, list) else []
