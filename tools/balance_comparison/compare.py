"""Train everything that is compared, seed by seed, and compare the scores."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from densefit.errors import DensefitError
from densefit.metrics.core.delta_m import delta_m, relative_change
from densefit.tools.balance_comparison.arms import EQUAL, Arm
from densefit.tools.balance_comparison.effect import Effect, effects
from densefit.tools.balance_comparison.runs import Runs, with_baselines
from densefit.tools.report.task_runs import TaskRun, head_of

Scores = dict[int, float]  # seed -> delta-m


@dataclass
class Measured:
    """What the trainings of a comparison measured.

    Attributes:
        alone: head -> seed -> run of that head alone.
        together: method -> seed -> run of all heads.
        failures: what went wrong, a line each.
    """

    alone: dict[str, dict[int, TaskRun]] = field(default_factory=dict)
    together: dict[str, dict[int, TaskRun]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def baselines(self, seed: int) -> tuple[dict[str, float], dict[str, bool]]:
        """Test scores of each head alone with a seed, and whether high ones are good."""
        runs = [by_seed[seed] for by_seed in self.alone.values() if seed in by_seed]
        scores = {name: value for run in runs for name, value in run.scores.items()}
        return scores, {name: high for run in runs for name, high in run.higher.items()}

    def deltas(self, method: str) -> Scores:
        """Delta-m of a method by seed, against the heads alone with that seed."""
        result = {}
        for seed, run in self.together.get(method, {}).items():
            baselines, higher = self.baselines(seed)
            if set(baselines) == set(run.scores):
                value = delta_m(run.scores, baselines, higher).mean
                if math.isfinite(value):
                    result[seed] = value
        return result

    def change(self, method: str, head: str) -> float:
        """Mean relative change of a head's score against the head alone, over seeds."""
        changes = []
        for seed, run in self.together.get(method, {}).items():
            baselines, higher = self.baselines(seed)
            for name, value in run.scores.items():
                if head_of(name) == head and name in baselines:
                    changes.append(relative_change(value, baselines[name], higher[name]))
        return math.fsum(changes) / len(changes) if changes else math.nan

    def milliseconds(self, method: str) -> float:
        """Mean time of an update; nan if it was not measured."""
        times = [run.cost["ms_per_update"] for run in self.together.get(method, {}).values()
                 if "ms_per_update" in run.cost]  # fmt: skip
        return math.fsum(times) / len(times) if times else math.nan


def train_all(
    runs: Runs, heads: Sequence[Arm], methods: Sequence[Arm], seeds: Sequence[int]
) -> Measured:
    """Train each head alone and all heads by each method, one seed after another.

    So a comparison that is cut off has as many seeds of each. A training that fails is noted, and
    the others go on.

    Args:
        runs: where and how.
        heads: each head alone.
        methods: ways of training all heads.
        seeds: seeds of each.
    """
    measured = Measured()
    total, number = len(seeds) * (len(heads) + len(methods)), 0
    for seed in seeds:
        for arm in (*heads, *methods):
            number += 1
            print(f"{number} of {total}: {arm.name}, seed {seed}", flush=True)
            try:
                words = with_baselines(runs.baselines(heads, seed)) if arm.head is None else []
                words += runs.teachers(heads, seed, arm.taught) if arm.taught else []
                run = runs.run(arm, seed, words)
            except DensefitError as error:
                measured.failures.append(f"{arm.name}, seed {seed}: {error}")
                print(f"  failed: {error}", flush=True)
                continue
            if arm.head is None:
                measured.together.setdefault(arm.name, {})[seed] = run
            else:
                measured.alone.setdefault(arm.head, {})[seed] = run
    return measured


def compared(measured: Measured, methods: Sequence[Arm]) -> dict[str, Effect]:
    """Each method against equal weights, by the seeds that both have."""
    control = measured.deltas(EQUAL)
    differences = {}
    for arm in methods:
        deltas = measured.deltas(arm.name)
        common = [seed for seed in control if seed in deltas]
        if arm.name != EQUAL and common:
            differences[arm.name] = [deltas[seed] - control[seed] for seed in common]
    return effects(differences) if differences else {}


def intervals(measured: Measured, methods: Sequence[Arm]) -> Mapping[str, Effect]:
    """Delta-m of each method by itself: against the heads alone."""
    deltas = {arm.name: list(measured.deltas(arm.name).values()) for arm in methods}
    return {name: effects({name: values})[name] for name, values in deltas.items() if values}
