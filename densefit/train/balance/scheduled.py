"""Weights by schedule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from densefit.errors import ConfigError, located
from densefit.train.balance.balancer import Balancer, balancers
from densefit.train.balance.fixed import check_factor
from densefit.train.schedules import Resolved, Schedule, schedules

Course = Schedule | Mapping[str, Any] | float


@balancers.register("scheduled")
class Scheduled(Balancer):
    """A schedule for each head's weight: a function of the number of updates alone.

    A schedule's `lr` is the highest weight. `Constant(1.0, warmup="2ep")` fades a head
    in, `Linear(1.0, final=0.1)` out. Absent heads change nothing for the others.

    >>> from densefit.train.schedules import Linear
    >>> balancer = Scheduled({"depth": Linear(1.0)})
    >>> balancer.begin(["depth", "mask"], total=100)
    >>> balancer.weights(75)
    {'depth': 0.25, 'mask': 1.0}

    Args:
        courses: head -> a schedule, its settings as in a recipe ({"name": "linear", "lr": 1.0}),
            or a number; 1 for other heads.

    Raises:
        ConfigError: a course of another kind, or a schedule that follows scores; at `begin`, an
            unknown head, or a training of unknown length.
    """

    cost = "free"

    def __init__(self, courses: Mapping[str, Course]) -> None:
        self.courses = {head: _as_course(head, course) for head, course in courses.items()}

    def _begin(self, total: int | None, updates_per_epoch: int | None) -> None:
        self._check_known(self.courses, "courses")
        self._resolved: dict[str, Resolved] = {}
        for head, course in self.courses.items():
            if isinstance(course, Schedule):
                with located(f"Scheduled, head {head}"):
                    self._resolved[head] = course.resolve(total, updates_per_epoch)

    def weights(self, update: int) -> dict[str, float]:
        return {head: self._weight(head, update) for head in self.heads}

    def _weight(self, head: str, update: int) -> float:
        course = self.courses.get(head, 1.0)
        return self._resolved[head](update) if isinstance(course, Schedule) else course


def _as_course(head: str, course: Course) -> Schedule | float:
    where = f"Scheduled(courses=...), head {head}"
    if isinstance(course, Mapping) and "name" in course:
        settings = {key: value for key, value in course.items() if key != "name"}
        with located(where):
            course = schedules.create(course["name"], **settings)
    if isinstance(course, Schedule):
        if course.scored:
            raise ConfigError(
                "A weight cannot follow validation scores, which a balancer does not see",
                expected="a schedule that depends on the number of updates alone",
                received=course,
                where=where,
            )
        return course
    if isinstance(course, (int, float)):
        check_factor(head, course, where)
        return float(course)
    raise ConfigError(
        "The course of a weight is not a schedule",
        expected="a schedule, its name and settings, or a number",
        received=repr(course),
        where=where,
        fix="{name: linear, lr: 1.0}",
    )
