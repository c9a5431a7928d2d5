"""Trainings of a comparison, each in a folder of its own, and what they measured."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from densefit.callbacks.jsonl import read_lines
from densefit.errors import DataError
from densefit.tools.balance_comparison.arms import Arm
from densefit.tools.report.task_runs import TaskRun, read_task_run

LOG = "training.log"  # what the training printed
#: Trains in a folder: (folder, options) -> exit code.
Train = Callable[[Path, Sequence[str]], int]


@dataclass(frozen=True)
class Runs:
    """The trainings of a comparison.

    Attributes:
        folder: folder of all.
        words: options of all trainings: the recipe and its settings.
        train: trains in a folder.
    """

    folder: Path
    words: tuple[str, ...]
    train: Train

    def folder_of(self, arm: Arm, seed: int) -> Path:
        """Folder of a training."""
        return self.folder / arm.name.replace(" ", "-") / f"seed-{seed}"

    def run(self, arm: Arm, seed: int, words: Sequence[str] = ()) -> TaskRun:
        """Train unless it is done, and return what was measured.

        A training that was cut off goes on.

        Raises:
            DataError: the training failed; its log says why.
        """
        folder = self.folder_of(arm, seed)
        if not is_done(folder):
            options = ["--seed", str(seed), "--out", str(folder), "--resume", "auto"]
            code = self.train(folder, [*self.words, *arm.words, *words, *options])
            if code or not is_done(folder):
                raise DataError(
                    f"The training of {arm.name!r} with seed {seed} failed",
                    received=f"exit code {code}: {last_line(folder / LOG)}",
                    where=folder / LOG,
                )
        return read_task_run(folder, f"{arm.name}, seed {seed}")

    def baselines(self, arms: Sequence[Arm], seed: int) -> dict[str, float]:
        """The best validation score of each head alone, by its name."""
        scores = {}
        for arm in arms:
            run = self.run(arm, seed)
            for name, high in run.higher.items():
                scores[name] = best_validation(self.folder_of(arm, seed), name, high)
        return scores

    def teachers(self, arms: Sequence[Arm], seed: int, taught: Sequence[str]) -> list[str]:
        """Options by which heads learn from each of them alone, which is trained."""
        folders = {arm.head: str(self.folder_of(arm, seed).absolute()) for arm in arms}
        return ["--training.distill", json.dumps({head: folders[head] for head in taught})]


def is_done(folder: Path) -> bool:
    """Whether a training is finished and scored."""
    return all((folder / name).is_file() for name in ("scores.json", "scored.json", "config.yaml"))


def best_validation(folder: Path, name: str, higher: bool) -> float:
    """The best value of a validation score; nan if there is none."""
    values = [line[name] for line in validations(folder) if line.get(name) is not None]
    return (max if higher else min)(values, default=math.nan)


def validations(folder: Path) -> list[Mapping[str, float]]:
    """Scores of all validations so far."""
    log = folder / "scalars.jsonl"
    if not log.is_file():
        return []
    return [line for line in read_lines(log) if line["kind"] == "validation"]


def with_baselines(baselines: Mapping[str, float]) -> list[str]:
    """Options that choose the best checkpoint by delta-m on the validation data."""
    return ["--training.best", "delta_m", "--training.baselines", json.dumps(baselines)]


def train_multi(folder: Path, words: Sequence[str]) -> int:
    """Train in a process, whose output goes into the run's folder; returns its exit code."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / LOG, "a", encoding="utf-8") as log:
        process = subprocess.Popen(command(words), stdout=log, stderr=subprocess.STDOUT)
        try:
            return process.wait()
        except BaseException:
            process.terminate()  # it saves a checkpoint
            process.wait()
            raise


def command(words: Sequence[str]) -> list[str]:
    """The command of a training."""
    return [sys.executable, "-m", "densefit", "train", "multi", *words]


def last_line(path: Path) -> str:
    """The last line of a log that is not empty."""
    if not path.is_file():
        return "nothing was printed"
    lines = [line for line in path.read_text("utf-8", "replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines else "nothing was printed"
