"""Which head of a teacher a head of a student learns from, and whether it can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from densefit.data.classes.class_lists import are_numbers, head_lists
from densefit.errors import ConfigError
from densefit.model.heads.head import Head
from densefit.model.heads.network_head import NetworkHead
from densefit.model.heads.teachable import Teachable, check_temperature
from densefit.model.network import Network
from densefit.registry import nearest
from densefit.train.distillation.distill import Distill


def students_of(network: Network, distill: Mapping[str, Distill]) -> dict[str, NetworkHead]:
    """The heads of a network that have a teacher.

    Raises:
        ConfigError: the network has no such head, or it cannot learn from a teacher.
    """
    students = {}
    for name in distill:
        adapter = network.adapters.get(name)
        if not isinstance(adapter, NetworkHead):
            raise ConfigError(
                f"The network has no head {name!r}"
                if adapter is None
                else "Routes of a Symbol have no teacher: their losses are the Symbol's",
                expected=f"one of {', '.join(network.adapters)}" if network.heads else None,
                received=name,
                where="distill",
                fix=nearest(name, list(network.adapters)) if adapter is None else None,
            )
        if type(adapter.head).teacher_outputs is Teachable.teacher_outputs:
            raise ConfigError(
                "Heads of this task do not learn from a teacher",
                expected="a head with `teacher_outputs`",
                received=type(adapter.head).__name__,
                where=f"distill, head {name!r}",
                fix=f"leave {name!r} out of distill",
            )
        students[name] = adapter
    return students


def teacher_head(student: Head, teacher: Sequence[Head], distill: Distill) -> Head:
    """The head of a teacher whose outputs a student's head learns from.

    Args:
        student: the head that learns.
        teacher: all heads of the teacher's network.
        distill: its settings.

    Raises:
        ConfigError: the teacher has no such head, or it is of another task or of other classes.
    """
    where, name, source = f"distill, head {student.name!r}", distill.head, distill.source
    named = {head.name: head for head in teacher}
    name = name or student.name
    if name not in named:
        raise ConfigError(
            f"The teacher ({source}) has no head {name!r}",
            expected=f"one of {', '.join(named)}",
            received=name,
            where=where,
            fix=f"distill={{{student.name!r}: df.Distill(TEACHER, head=...)}} names another",
        )
    head = named[name]
    if type(head) is not type(student):
        raise ConfigError(
            f"The head {name!r} of the teacher ({source}) has another task",
            expected=type(student).__name__,
            received=type(head).__name__,
            where=where,
            fix="distill from a head of the same task",
        )
    _check_classes(student, head, source, where)
    check_temperature(student, distill.temperature, where)
    student.check_teacher(head, f"{where}, teacher {source}")
    return head


def _check_classes(student: Head, teacher: Head, source: str, where: str) -> None:
    """Raise ConfigError unless both have the same classes in the same order, where named."""
    expected, received = _classes(student), _classes(teacher)
    unnamed = are_numbers(expected) or are_numbers(received)
    if (len(expected) == len(received)) if unnamed else (expected == received):
        return
    if unnamed:
        differs = f"{len(received)} classes instead of {len(expected)}"
    elif sorted(expected) == sorted(received):
        differs = "the same classes in another order"
    else:
        missing = [name for name in expected if name not in received]
        further = [name for name in received if name not in expected]
        parts = {"without": missing, "with": further}
        differs = ", ".join(f"{key} {', '.join(names)}" for key, names in parts.items() if names)
    raise ConfigError(
        f"The teacher ({source}) has other classes: {differs}",
        expected=", ".join(expected),
        received=", ".join(received),
        where=where,
        fix="train the teacher with the student's classes in this order",
    )


def _classes(head: Head) -> list[str]:
    """Class names and keypoint names, those of the dataset that trained it included."""
    return [str(name) for names in head_lists(head).values() for name in names]
