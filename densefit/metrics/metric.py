"""What a metric is: numbers over a whole dataset, accumulated as sums and counts."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from typing_extensions import Self

from densefit.metrics.detail import Detail
from densefit.registry import Registry


class Metric(ABC):
    """A number (or several) over a dataset.

    `update` accumulates counts; `compute` turns them into numbers and changes nothing, so it may
    be called at any time, any number of times. Two metrics that saw two halves of a dataset
    `merge` into the one that saw it whole.

    Attributes:
        name: what the metric is called in recipes and registries.
        higher_is_better: declared, never guessed from the name.
        opposite: keys of `compute()` whose good direction is the other one ("delta1" of a metric
            of errors); with "IoU" go "IoU/cat" and the like.
        primary: the key of `compute()` that "the best" is judged by.
        additive: `merge` adds up every number of `state_dict`, whose shapes never change, and does
            nothing else. Whoever resamples may then add up states in place of merging metrics.
    """

    name: str
    primary: str
    higher_is_better: bool = True
    opposite: tuple[str, ...] = ()
    additive: bool = False

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


metrics: Registry[Metric] = Registry("metric")
