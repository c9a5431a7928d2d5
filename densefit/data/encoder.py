"""What the loader needs of a head; heads themselves belong to a room above this one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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


def labelled(head: Encoder, sample: Sample) -> bool:
    """Whether a sample trains a head: as the head says, or if it has all declared targets."""
    says = getattr(head, "labelled", None)
    if says is not None:
        return bool(says(sample))
    return all(target in sample.targets for target in getattr(head, "targets", ()))


def trains(head: Encoder, labels: Mapping[str, Any]) -> bool:
    """Whether what a head's `encode` made trains anything, as the head says."""
    says = getattr(head, "trains", None)
    return True if says is None else bool(says(labels))


def blank(head: Encoder, input_size: tuple[int, int]) -> dict[str, np.ndarray]:
    """Labels of the right shapes for a sample that has none; the head's loss does not see them."""
    return {one.name: np.zeros(one.shape, one.dtype) for one in head.labels(input_size)}


class Encoder(Protocol):
    """Makes label arrays of a sample. `encode` is called by several threads at once."""

    @property
    def name(self) -> str: ...

    def labels(self, input_size: tuple[int, int]) -> Sequence[LabelSpec]: ...

    def encode(self, sample: Sample) -> Mapping[str, Any]: ...
