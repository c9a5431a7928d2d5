"""Compare a multi-task network with single-task networks."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from densefit.errors import ConfigError
from densefit.metrics.core.delta_m import delta_m, relative_change
from densefit.tools.report.task_runs import Group, TaskRun, head_of

ALL = "all of these"  # all single-task networks together
COSTS = ("parameters", "ms_per_update", "peak_memory_mib")


@dataclass(frozen=True)
class Spread:
    """Mean and standard deviation of a score over several seeds.

    Attributes:
        mean: nan without values, or if a value is undefined.
        std: sample standard deviation; nan for fewer than two values.
        count: number of seeds.
    """

    mean: float
    std: float
    count: int

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Compute mean and standard deviation of values.

        >>> Spread.of([1.0, 3.0])
        Spread(mean=2.0, std=1.4142135623730951, count=2)
        """
        numbers = list(values)
        if not numbers or any(math.isnan(value) for value in numbers):
            return cls(math.nan, math.nan, len(numbers))
        std = statistics.stdev(numbers) if len(numbers) > 1 else math.nan
        return cls(statistics.fmean(numbers), std, len(numbers))


@dataclass(frozen=True)
class Task:
    """The primary score of a head.

    Attributes:
        key: full name of the score.
        higher: whether a high value is better.
        alone: score of single-task networks; None without such a run.
        together: group -> score of multi-task networks.
        change: group -> signed relative change of the means, above 0 if multi-task is better.
    """

    key: str
    higher: bool
    alone: Spread | None
    together: Mapping[str, Spread]
    change: Mapping[str, float]


@dataclass(frozen=True)
class Comparison:
    """Result of comparing multi-task with single-task runs.

    Attributes:
        tasks: in the order of the first multi-task run.
        delta_m: group -> delta-m over its seeds, each against the mean baselines, of the tasks that
            have a baseline.
        without: tasks whose baseline is 0, so that no relative change is defined; not in delta-m.
        cost: group, single-task head, or `ALL` of the latter -> number -> mean.
        conflict: group -> pair of heads -> mean cosine between their gradients.
    """

    tasks: Sequence[Task]
    delta_m: Mapping[str, Spread]
    cost: Mapping[str, Mapping[str, float]]
    conflict: Mapping[str, Mapping[str, float]]
    without: Sequence[str] = ()


def compare(groups: Sequence[Group]) -> Comparison:
    """Compare groups of multi-task runs with groups of single-task runs.

    Raises:
        ConfigError: no group is multi-task, or a head has two single-task recipes.
    """
    many = [group for group in groups if len(group.runs[0].heads) > 1]
    single: dict[str, Group] = {}
    for group in groups:
        heads = group.runs[0].heads
        if len(heads) == 1 and heads[0] in single:
            raise ConfigError(
                f"Two different recipes train the head {heads[0]!r} alone",
                expected="runs that differ in their seeds",
                received=f"{single[heads[0]].name} and {group.name}",
                fix="leave one out",
            )
        if len(heads) == 1:
            single[heads[0]] = group
    if not many:
        raise ConfigError(
            "No run has several tasks",
            received=", ".join(group.name for group in groups),
            fix="add a run that was trained with several heads, and runs of each head alone",
        )
    tasks = [_task(key, many, single) for key in _keys(many)]
    alone = {task.key: task.alone.mean for task in tasks if task.alone is not None}
    deltas = {group.name: Spread.of(_deltas(group, alone)) for group in many}
    cost = {group.name: _cost(group) for group in many}
    alone_cost = {f"{head} alone": _cost(group) for head, group in single.items()}
    conflict = {group.name: _conflict(group) for group in many}
    return Comparison(
        tasks,
        deltas,
        {
            **cost,
            **alone_cost,
            **({ALL: _added(list(alone_cost.values()))} if len(alone_cost) > 1 else {}),
        },
        {name: cosines for name, cosines in conflict.items() if cosines},
        [key for key, baseline in alone.items() if baseline == 0],
    )


def _keys(groups: Sequence[Group]) -> list[str]:
    return list(dict.fromkeys(key for group in groups for key in group.runs[0].scores))


def _task(key: str, many: Sequence[Group], single: Mapping[str, Group]) -> Task:
    holding = [group for group in many if key in group.runs[0].scores]
    together = {group.name: Spread.of(run.scores[key] for run in group.runs) for group in holding}
    higher = holding[0].runs[0].higher[key]
    group = single.get(head_of(key))
    alone_key = None if group is None else matching(key, group.runs[0])
    alone = None
    if group is not None and alone_key is not None:
        alone = Spread.of(run.scores[alone_key] for run in group.runs)
    change = {
        name: math.nan if alone is None else relative_change(spread.mean, alone.mean, higher)
        for name, spread in together.items()
    }
    return Task(key, higher, alone, together, change)


def matching(key: str, run: TaskRun) -> str | None:
    """Score of a single-task run that a multi-task score is compared with.

    It is the score of the same name; or, if only one of the two trainings names datasets, the only
    score of the same head and number.
    """
    if key in run.scores:
        return key
    ending = key.split("/")[-2:]
    same_number = [
        other_key
        for other_key in run.scores
        if other_key.split("/")[-2:] == ending and other_key.count("/") != key.count("/")
    ]
    return same_number[0] if len(same_number) == 1 else None


def _deltas(group: Group, alone: Mapping[str, float]) -> list[float]:
    deltas = []
    for run in group.runs:
        baselines = {key: base for key, base in alone.items() if key in run.scores}
        deltas.append(delta_m(run.scores, baselines, run.higher).mean)
    return deltas


def _cost(group: Group) -> dict[str, float]:
    return {
        key: Spread.of(run.cost[key] for run in group.runs).mean
        for key in COSTS
        if all(key in run.cost for run in group.runs)
    }


def _added(costs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Cost of several networks: parameters and update times add up; memory is their maximum."""
    total = {}
    for key in COSTS:
        values = [cost[key] for cost in costs if key in cost]
        if len(values) == len(costs):
            total[key] = max(values) if key == "peak_memory_mib" else math.fsum(values)
    return total


def _conflict(group: Group) -> dict[str, float]:
    pairs = dict.fromkeys(pair for run in group.runs for pair in run.conflict)
    return {
        pair: Spread.of(run.conflict[pair] for run in group.runs if pair in run.conflict).mean
        for pair in pairs
    }
