"""Base class of metrics: numbers over a whole dataset."""

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
    """Base of metrics: one or several numbers over a dataset.

    `update` accumulates; `compute` returns the numbers and changes nothing, so it may be called at
    any time, any number of times. `merge` adds the samples of another metric, so that parts of a
    dataset can be scored separately.

    The settings (the constructor's arguments) are part of every subclass's `state_dict`; `merge`
    and `load_state_dict` refuse metrics and states with other settings.

    Attributes:
        name: name of the metric in recipes and registries.
        higher_is_better: whether a high value is good; declared, never guessed from the name.
        opposite: keys of `compute()` with the opposite direction ("delta1" of a metric of errors);
            "IoU" includes "IoU/cat" and so on.
        primary: key of `compute()` that selects the best checkpoint.
        additive: whether `merge` only adds up the numbers of `state_dict` (without the settings),
            whose shapes never change. Resampling then adds states in place of merging metrics.
    """

    name: str
    primary: str
    higher_is_better: bool = True
    opposite: tuple[str, ...] = ()
    additive: bool = False
    _arguments: Mapping[str, Any]

    def __new__(cls, *positional: Any, **named: Any) -> Self:
        metric = super().__new__(cls)
        metric._arguments = plain(arguments(cls, positional, named))
        return metric

    def __init_subclass__(cls, **named: Any) -> None:
        super().__init_subclass__(**named)
        for method, wrapped in _WITH_SETTINGS.items():
            if method in cls.__dict__:
                setattr(cls, method, wrapped(cls.__dict__[method]))

    def settings(self) -> dict[str, Any]:
        """Return the settings that the numbers depend on as JSON values: arguments and name.

        Functions and other objects that cannot be compared are left out. A subclass removes
        settings that change no number, and normalises settings that have several spellings.
        """
        arguments = dict(self._arguments)
        classes = arguments.get("classes")
        if isinstance(classes, int) and not isinstance(classes, bool):
            arguments["classes"] = [str(index) for index in range(classes)]
        return {"name": getattr(self, "name", type(self).__name__), **arguments}

    @abstractmethod
    def reset(self) -> None:
        """Forget all samples."""

    @abstractmethod
    def update(
        self, predictions: Sequence[Any], targets: Sequence[Any], ids: Sequence[str]
    ) -> None:
        """Add n samples: predictions[i] and targets[i] belong to the sample ids[i].

        All rows are real: padding has been cut off. Each metric defines its predictions and targets
        (class indices, masks, dicts of boxes...). Either argument may be an array with n rows or a
        list of length n.
        """

    @abstractmethod
    def compute(self) -> dict[str, float]:
        """Compute the numbers so far, a flat dict of Python floats; nan if undefined."""

    @abstractmethod
    def merge(self, other: Self) -> None:
        """Add all samples of `other`."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Return the accumulated state as numpy arrays, numbers, strings, lists and dicts."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Replace the accumulated state by the state of a `state_dict`."""

    def prefers_high(self, key: str) -> bool:
        """Whether a high value of the key `key` of `compute()` is good."""
        return self.higher_is_better != (key in self.opposite or key.split("/")[0] in self.opposite)

    def undefined(self) -> str | None:
        """Say why the primary number is nan; None if no sample counted for it."""
        return None

    def details(self) -> dict[str, Detail]:
        """Return what can be plotted beside the numbers, by name: a confusion matrix, curves..."""
        return {}

    def resampled(self, counts: Mapping[str, int]) -> dict[str, float] | None:
        """Compute as if the sample `id` had been seen `counts[id]` times (0 if it is missing).

        For metrics that store samples. Metrics of sums return None: resampling keeps a state for
        each sample, and merges.
        """
        return None

    def fresh(self) -> Self:
        """Copy the metric with the same settings and no samples."""
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
        settings = self.settings()
        differences = differing(settings, other.settings())
        if differences:
            raise ConfigError(
                f"Two metrics {settings['name']!r} with other settings cannot be merged",
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
