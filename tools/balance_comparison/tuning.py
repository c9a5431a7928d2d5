"""Search for settings of a method, by trials on the validation data of a seed of its own."""

from __future__ import annotations

import math
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from densefit.errors import MissingPackageError
from densefit.metrics.core.delta_m import delta_m
from densefit.tools.balance_comparison.arms import FIXED, SPACES, WEIGHTS, Arm, balanced
from densefit.tools.balance_comparison.runs import (
    LOG,
    Runs,
    command,
    is_done,
    validations,
    with_baselines,
)

STUDY = "trials.sqlite"
_POLL = 1.0  # seconds between looks at a training's log


def is_tunable(method: str) -> bool:
    """Whether trials can change anything in a method."""
    return method == FIXED or method in SPACES


def tuned(
    runs: Runs,
    method: str,
    heads: Sequence[Arm],
    trials: int,
    seed: int,
    start: Callable[[Path, Sequence[str]], Any] | None = None,
) -> Arm:
    """The method with the settings of its best trial.

    Trials are trainings that are compared by their best delta-m on the validation data; a trial
    that lies below the median of those before is cut off. The study lies in the comparison's
    folder, and goes on where it was cut off.

    Args:
        runs: where and how.
        method: name of a balancer.
        heads: each head alone, whose validation scores are the baselines.
        trials: number of trials.
        seed: seed of the trials; another than those that are compared.
        start: begins a training, in place of a process: for tests.

    Raises:
        MissingPackageError: Optuna is not installed.
    """
    optuna = _optuna()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    runs.folder.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        study_name=method,
        storage=f"sqlite:///{(runs.folder / STUDY).resolve()}",
        direction="maximize",
        sampler=optuna.samplers.TPESampler(seed=0),
        pruner=optuna.pruners.MedianPruner(n_startup_trials=3),
        load_if_exists=True,
    )
    names = [arm.head for arm in heads if arm.head is not None]
    baselines = runs.baselines(heads, seed)
    higher = {name: high for arm in heads for name, high in runs.run(arm, seed).higher.items()}

    def objective(trial: Any) -> float:
        arm = balanced(method, drawn(trial, method, names))
        folder = runs.folder / "trials" / method / f"{trial.number:03d}"
        words = [*runs.words, *arm.words, *with_baselines(baselines)]
        words += ["--seed", str(seed), "--out", str(folder), "--resume", "auto"]
        value = _watched(trial, folder, words, baselines, higher, start or _start)
        print(f"  trial {trial.number} of {method}: delta-m {100 * value:+.2f} %", flush=True)
        return value

    finished = [t for t in study.trials if t.state.is_finished()]
    left = trials - len(finished)
    if left > 0:
        print(f"searching settings of {method}: {left} trials", flush=True)
        study.optimize(objective, n_trials=left, catch=())
    settings = drawn(optuna.trial.FixedTrial(study.best_params), method, names)
    print(f"settings of {method}: {settings}", flush=True)
    return balanced(method, settings)


def drawn(trial: Any, method: str, heads: Sequence[str]) -> dict[str, Any]:
    """Settings of a trial. Fixed weights have a mean of 1, as equal ones do."""
    if method == FIXED:
        weights = {h: trial.suggest_float(f"weight of {h}", *WEIGHTS, log=True) for h in heads}
        mean = math.fsum(weights.values()) / len(weights)
        return {"factors": {head: weight / mean for head, weight in weights.items()}}
    return {
        name: trial.suggest_float(name, low, high, log=is_log)
        for name, (low, high, is_log) in SPACES[method].items()
    }


def _watched(
    trial: Any,
    folder: Path,
    words: Sequence[str],
    baselines: Mapping[str, float],
    higher: Mapping[str, bool],
    start: Callable[[Path, Sequence[str]], Any],
) -> float:
    """Train a trial, and report each validation; ends it where the study says so."""
    optuna = _optuna()
    best, reported = -math.inf, 0
    process = start(folder, words)
    try:
        while True:
            is_over = process.poll() is not None
            for line in validations(folder)[reported:]:
                reported += 1
                value = delta_m(line, baselines, higher).mean
                if math.isfinite(value):
                    best = max(best, value)
                    trial.report(best, reported)
            if is_over:
                break
            if trial.should_prune():
                raise optuna.TrialPruned
            time.sleep(_POLL)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()
    if not math.isfinite(best) or not is_done(folder):
        raise optuna.TrialPruned  # it failed: its settings are bad ones
    return best


def _start(folder: Path, words: Sequence[str]) -> subprocess.Popen[bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / LOG, "ab") as log:
        return subprocess.Popen(command(words), stdout=log, stderr=subprocess.STDOUT)


def _optuna() -> Any:
    try:
        import optuna
    except ModuleNotFoundError as error:
        raise MissingPackageError(
            "Trials need the package Optuna, which is not installed",
            fix='pip install "densefit[tune]"',
        ) from error
    return optuna
