"""Heads that learn from a trained head of the same task: what is compared, and the loss."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from densefit.errors import ConfigError

if TYPE_CHECKING:
    from densefit.model.heads.features import Features

S = TypeVar("S")
T = TypeVar("T")


class Teachable:
    """Optional part of a head: distillation, see `fit(distill=...)`.

    Attributes:
        softens: whether the loss takes a temperature, as that of class scores does.
    """

    softens: ClassVar[bool] = False

    def teacher_outputs(self, features: Features) -> dict[str, Any]:
        """Outputs by name that a teacher gives and a student is compared by, (B, ...) each.

        They are Symbols of the layers that `train` computes its losses from; build these in a
        method under `once_per_features`, so that the train graph has them once. Empty (the
        default): heads of this task do not learn from a teacher.
        """
        return {}

    def teacher_loss(
        self, student: Mapping[str, Any], teacher: Mapping[str, Any], temperature: float
    ) -> Any:
        """(B,) loss of a student's `teacher_outputs` from a teacher's; reads no label. A Symbol."""
        raise NotImplementedError

    def check_teacher(self, teacher: Any, where: str) -> None:
        """Raise ConfigError if outputs of a head of the same task mean something else.

        Classes and shapes are compared for every head. Default: nothing else can differ.

        Args:
            teacher: the head of the trained network, of the same class as this one.
            where: place of the setting, for the error.
        """


def once_per_features(build: Callable[[S, Features], T]) -> Callable[[S, Features], T]:
    """Decorate a head's method that builds layers: calls with the same features share them."""

    @wraps(build)
    def built(head: S, features: Features) -> T:
        key = (head, build.__qualname__)
        if key not in features.built:
            features.built[key] = build(head, features)
        layers: T = features.built[key]
        return layers

    return built


def check_temperature(head: Teachable, temperature: float, where: str) -> None:
    """Raise ConfigError for a temperature other than 1 of outputs that are no class scores."""
    if temperature != 1 and not head.softens:
        raise ConfigError(
            "The outputs of this head are no class scores, which a temperature would soften",
            expected="temperature 1",
            received=str(temperature),
            where=where,
        )
