"""Compare a multi-task network with single-task networks."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from densefit.errors import ConfigError
from densefit.metrics.core.delta_m import delta_m, relative_change
from densefit.tools.report.task_runs import Group, TaskRun, head_of

ALL = "all of these"  # networks for one task, taken together
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
        found = list(values)
        if not found or any(math.isnan(value) for value in found):
            return cls(math.nan, math.nan, len(found))
        std = statistics.stdev(found) if len(found) > 1 else math.nan
        return cls(statistics.fmean(found), std, len(found))


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
            "No run is of several tasks",
            received=", ".join(group.name for group in groups),
            fix="name one that was trained with several heads, and runs of each of them alone",
        )
    tasks = [_task(key, many, single) for key in _keys(many)]
    alone = {task.key: task.alone.mean for task in tasks if task.alone is not None}
    deltas = {group.name: Spread.of(_deltas(group, alone)) for group in many}
    cost = {group.name: _cost(group) for group in many}
    own = {f"{head} alone": _cost(group) for head, group in single.items()}
    conflict = {group.name: _conflict(group) for group in many}
    return Comparison(
        tasks,
        deltas,
        {**cost, **own, **({ALL: _added(list(own.values()))} if len(own) > 1 else {})},
        {name: found for name, found in conflict.items() if found},
        [key for key, baseline in alone.items() if baseline == 0],
    )


def _keys(groups: Sequence[Group]) -> list[str]:
    return list(dict.fromkeys(key for group in groups for key in group.runs[0].scores))


def _task(key: str, many: Sequence[Group], single: Mapping[str, Group]) -> Task:
    holding = [group for group in many if key in group.runs[0].scores]
    together = {group.name: Spread.of(run.scores[key] for run in group.runs) for group in holding}
    higher = holding[0].runs[0].higher[key]
    group = single.get(head_of(key))
    own = None if group is None else matching(key, group.runs[0])
    alone = None
    if group is not None and own is not None:
        alone = Spread.of(run.scores[own] for run in group.runs)
    change = {
        name: math.nan if alone is None else relative_change(found.mean, alone.mean, higher)
        for name, found in together.items()
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
    found = [
        own
        for own in run.scores
        if own.split("/")[-2:] == ending and own.count("/") != key.count("/")
    ]
    return found[0] if len(found) == 1 else None


def _deltas(group: Group, alone: Mapping[str, float]) -> list[float]:
    found = []
    for run in group.runs:
        known = {key: base for key, base in alone.items() if key in run.scores}
        found.append(delta_m(run.scores, known, run.higher).mean)
    return found


def _cost(group: Group) -> dict[str, float]:
    return {
        key: Spread.of(run.cost[key] for run in group.runs).mean
        for key in COSTS
        if all(key in run.cost for run in group.runs)
    }


def _added(costs: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Cost of several networks: parameters and update times add up; memory is their maximum."""
    found = {}
    for key in COSTS:
        values = [cost[key] for cost in costs if key in cost]
        if len(values) == len(costs):
            found[key] = max(values) if key == "peak_memory_mib" else math.fsum(values)
    return found


def _conflict(group: Group) -> dict[str, float]:
    pairs = dict.fromkeys(pair for run in group.runs for pair in run.conflict)
    return {
        pair: Spread.of(run.conflict[pair] for run in group.runs if pair in run.conflict).mean
        for pair in pairs
    }
