"""One network for several tasks against a network a task: numbers, no files."""

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
    """A number over several seeds.

    Attributes:
        mean: nan if one of them is undefined, or there is none.
        std: sample standard deviation; nan for fewer than two.
        count: seeds.
    """

    mean: float
    std: float
    count: int

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Over some numbers.

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
    """What one head is judged by.

    Attributes:
        key: full name of the number.
        higher: whether a high one is good.
        alone: of networks for this task alone; None if no such run is given.
        together: group -> of networks for several tasks.
        change: group -> signed relative change of the means, above 0 if together is better.
    """

    key: str
    higher: bool
    alone: Spread | None
    together: Mapping[str, Spread]
    change: Mapping[str, float]


@dataclass(frozen=True)
class Comparison:
    """All that there is to tell.

    Attributes:
        tasks: in the order of the first run of several tasks.
        delta_m: group -> over its seeds, each against the mean baselines, of the tasks that have
            one.
        without: tasks whose baseline is exactly 0: of nothing no change is a part, and they are in
            no delta-m.
        cost: group, head alone, or `ALL` of the latter -> number -> mean.
        conflict: group -> pair of heads -> mean cosine between their gradients.
    """

    tasks: Sequence[Task]
    delta_m: Mapping[str, Spread]
    cost: Mapping[str, Mapping[str, float]]
    conflict: Mapping[str, Mapping[str, float]]
    without: Sequence[str] = ()


def compare(groups: Sequence[Group]) -> Comparison:
    """Groups of several heads against those of one.

    Raises:
        ConfigError: there is no group of several heads, or two recipes of one head are given.
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
    """The number of a run of one head that a number is compared with.

    The one of the same name; or, where one of the two trainings names datasets and the other does
    not, the only one of the same head and number.
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
    """Networks side by side: parameters and times of an update of each add up, in one process
    after the other memory does not."""
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
