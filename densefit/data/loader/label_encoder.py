"""What the loader needs of a head; heads themselves belong to a room above this one."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from densefit.data.sample import Sample


class LabelSpec(Protocol):
    """A label array of one sample: its name inside the head, shape and type."""

    @property
    def name(self) -> str: ...

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> str: ...


class TermSpec(Protocol):
    """A loss term: the targets that it learns from, and whether labels made of them train it."""

    @property
    def targets(self) -> Sequence[str]: ...

    @property
    def trains(self) -> Callable[[Mapping[str, Any]], bool] | None: ...


def labelled(head: Encoder, sample: Sample) -> bool:
    """Whether a sample trains a head: as the head says, or if it has all targets, or a term's."""
    says = _method(head, "is_labelled", "labelled")
    if says is not None:
        return bool(says(sample))
    if terms_of(head):
        return any(labelled_terms(head, sample).values())
    return all(target in sample.targets for target in getattr(head, "targets", ()))


def _method(head: Encoder, name: str, former: str) -> Callable[[Any], bool] | None:
    """An optional method of a head; `former` is its name before it was renamed."""
    if not hasattr(head, name) and hasattr(head, former):
        warnings.warn(
            f"{type(head).__name__}.{former} is now called {name}", DeprecationWarning, stacklevel=2
        )
        return getattr(head, former)
    return getattr(head, name, None)


def terms_of(head: Encoder) -> Mapping[str, TermSpec]:
    """The loss terms of a head that learn from targets of their own; none of most heads."""
    found: Mapping[str, TermSpec] = getattr(head, "terms", {})
    return found


def labelled_terms(head: Encoder, sample: Sample) -> dict[str, bool]:
    """Loss term -> whether the sample has its targets."""
    return {
        name: all(target in sample.targets for target in term.targets)
        for name, term in terms_of(head).items()
    }


def trained_terms(head: Encoder, sample: Sample, labels: Mapping[str, Any]) -> dict[str, bool]:
    """Loss term -> whether it learns from the sample, of which `encode` made labels."""
    found = labelled_terms(head, sample)
    for name, term in terms_of(head).items():
        trains_it = term.trains
        if found[name] and trains_it is not None:
            found[name] = bool(trains_it(labels))
    return found


def trains(head: Encoder, labels: Mapping[str, Any]) -> bool:
    """Whether what a head's `encode` made trains anything, as the head says."""
    says = _method(head, "has_valid_labels", "trains")
    return True if says is None else bool(says(labels))


def blank(head: Encoder, input_size: tuple[int, int]) -> dict[str, np.ndarray]:
    """Labels of the right shapes for a sample that has none; the head's loss does not see them."""
    return {one.name: np.zeros(one.shape, one.dtype) for one in head.labels(input_size)}


class Encoder(Protocol):
    """Makes label arrays of a sample. `encode` is called by several threads at once.

    One that learns objects may have a method `positives(labels) -> int`; see `Head.positives`.
    """

    @property
    def name(self) -> str: ...

    def labels(self, input_size: tuple[int, int]) -> Sequence[LabelSpec]: ...

    def encode(self, sample: Sample) -> Mapping[str, Any]: ...
