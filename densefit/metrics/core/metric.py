"""What a metric is: numbers over a whole dataset, accumulated as sums and counts."""

from __future__ import annotations

import copy
import functools
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from typing_extensions import Self

from densefit.errors import ConfigError
from densefit.metrics.core.detail import Detail
from densefit.metrics.core.state import (
    SETTINGS,
    arguments,
    check_settings,
    differing,
    listed,
    plain,
    written,
)
from densefit.registry import Registry


class Metric(ABC):
    """A number (or several) over a dataset.

    `update` accumulates counts; `compute` turns them into numbers and changes nothing, so it may
    be called at any time, any number of times. Two metrics that saw two halves of a dataset
    `merge` into the one that saw it whole.

    The settings (the constructor's arguments) travel in the state: every subclass's `state_dict`
    has them, and its `merge` and `load_state_dict` refuse what was counted by other ones.

    Attributes:
        name: what the metric is called in recipes and registries.
        higher_is_better: declared, never guessed from the name.
        opposite: keys of `compute()` whose good direction is the other one ("delta1" of a metric
            of errors); with "IoU" go "IoU/cat" and the like.
        primary: the key of `compute()` that "the best" is judged by.
        additive: `merge` adds up every number of `state_dict` (but the settings), whose shapes
            never change, and does nothing else. Whoever resamples may then add up states in place
            of merging metrics.
    """

    name: str
    primary: str
    higher_is_better: bool = True
    opposite: tuple[str, ...] = ()
    additive: bool = False
    _arguments: Mapping[str, Any]

    def __new__(cls, *given: Any, **named: Any) -> Self:
        metric = super().__new__(cls)
        metric._arguments = plain(arguments(cls, given, named))
        return metric

    def __init_subclass__(cls, **named: Any) -> None:
        super().__init_subclass__(**named)
        for method, wrapped in _WITH_SETTINGS.items():
            if method in cls.__dict__:
                setattr(cls, method, wrapped(cls.__dict__[method]))

    def settings(self) -> dict[str, Any]:
        """What its numbers depend on, as JSON has it: the constructor's arguments, and the name.

        Functions and other objects that cannot be compared are not there. A subclass takes out
        what changes no number, and brings into one form what may be said in several.
        """
        found = dict(self._arguments)
        classes = found.get("classes")
        if isinstance(classes, int) and not isinstance(classes, bool):
            found["classes"] = [str(index) for index in range(classes)]
        return {"name": getattr(self, "name", type(self).__name__), **found}

    @abstractmethod
    def reset(self) -> None:
        """Forget everything seen."""

    @abstractmethod
    def update(
        self, predictions: Sequence[Any], targets: Sequence[Any], ids: Sequence[str]
    ) -> None:
        """Take in n samples: predictions[i] and targets[i] belong to the sample ids[i].

        The rows are real: padding has been cut off. What one prediction and one target are is
        the metric's own contract (a class index, a mask, a dict of boxes...). Either argument
        may be one array with n rows or a list of n things.
        """

    @abstractmethod
    def compute(self) -> dict[str, float]:
        """The numbers so far, a flat dict of Python floats; what is undefined is nan."""

    @abstractmethod
    def merge(self, other: Self) -> None:
        """Take in everything that `other` has seen."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """All that was accumulated, as numpy arrays, numbers, strings, lists and dicts."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what `state_dict` gave."""

    def prefers_high(self, key: str) -> bool:
        """Whether a high `key` of `compute()` is good."""
        return self.higher_is_better != (key in self.opposite or key.split("/")[0] in self.opposite)

    def undefined(self) -> str | None:
        """Why the primary number is nan, if more is known than that nothing counted for it."""
        return None

    def details(self) -> dict[str, Detail]:
        """What there is to see beside the numbers, by name: a confusion matrix, curves..."""
        return {}

    def resampled(self, counts: Mapping[str, int]) -> dict[str, float] | None:
        """`compute`, as if the sample `id` had been seen `counts[id]` times (0 if it is not there).

        For metrics that keep their samples; those that keep sums return None: whoever resamples
        keeps one such metric for each sample, and merges.
        """
        return None

    def fresh(self) -> Self:
        """A copy of the same settings that has seen nothing."""
        twin = copy.deepcopy(self)
        twin.reset()
        return twin


def _states(state_dict: Callable[[Any], dict[str, Any]]) -> Callable[[Any], dict[str, Any]]:
    @functools.wraps(state_dict)
    def with_settings(self: Metric) -> dict[str, Any]:
        return {**state_dict(self), SETTINGS: written(self.settings())}

    return with_settings


def _loads(load: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    @functools.wraps(load)
    def checked(self: Metric, state: dict[str, Any]) -> None:
        check_settings(self.settings(), state)
        load(self, state)

    return checked


def _merges(merge: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    @functools.wraps(merge)
    def checked(self: Metric, other: Metric) -> None:
        mine = self.settings()
        differences = differing(mine, other.settings())
        if differences:
            raise ConfigError(
                f"Two metrics {mine['name']!r} with other settings cannot be merged",
                expected=listed(differences, 0),
                received=listed(differences, 1),
                fix="make both with the same settings",
            )
        merge(self, other)

    return checked


_WITH_SETTINGS: dict[str, Callable[[Any], Any]] = {
    "state_dict": _states,
    "load_state_dict": _loads,
    "merge": _merges,
}

metrics: Registry[Metric] = Registry("metric")
