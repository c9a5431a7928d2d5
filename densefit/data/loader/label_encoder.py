"""The interface of heads that loaders depend on."""

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
    """A loss term: its targets, and whether labels made of them train it."""

    @property
    def targets(self) -> Sequence[str]: ...

    @property
    def trains(self) -> Callable[[Mapping[str, Any]], bool] | None: ...


def labelled(head: Encoder, sample: Sample) -> bool:
    """Whether a sample trains a head: the head decides; default, if it has the targets."""
    is_labelled = _method(head, "is_labelled", "labelled")
    if is_labelled is not None:
        return bool(is_labelled(sample))
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
    """Loss terms of a head that have targets of their own; empty for most heads."""
    terms: Mapping[str, TermSpec] = getattr(head, "terms", {})
    return terms


def labelled_terms(head: Encoder, sample: Sample) -> dict[str, bool]:
    """Loss term -> whether the sample has its targets."""
    return {
        name: all(target in sample.targets for target in term.targets)
        for name, term in terms_of(head).items()
    }


def trained_terms(head: Encoder, sample: Sample, labels: Mapping[str, Any]) -> dict[str, bool]:
    """Loss term -> whether the sample, encoded as `labels`, trains it."""
    is_trained = labelled_terms(head, sample)
    for name, term in terms_of(head).items():
        trains_it = term.trains
        if is_trained[name] and trains_it is not None:
            is_trained[name] = bool(trains_it(labels))
    return is_trained


def trains(head: Encoder, labels: Mapping[str, Any]) -> bool:
    """Whether encoded labels train the head, as its `has_valid_labels` decides."""
    has_valid_labels = _method(head, "has_valid_labels", "trains")
    return True if has_valid_labels is None else bool(has_valid_labels(labels))


def blank(head: Encoder, input_size: tuple[int, int]) -> dict[str, np.ndarray]:
    """Zero labels for a sample without targets; their loss has no weight."""
    return {spec.name: np.zeros(spec.shape, spec.dtype) for spec in head.labels(input_size)}


class Encoder(Protocol):
    """Encode the label arrays of a sample. `encode` is called by several threads at once.

    An encoder of objects may have a method `positives(labels) -> int`; see `Head.positives`.
    """

    @property
    def name(self) -> str: ...

    def labels(self, input_size: tuple[int, int]) -> Sequence[LabelSpec]: ...

    def encode(self, sample: Sample) -> Mapping[str, Any]: ...
