"""Samples that lack some of a head's labels: what they train, and how they are scored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from densefit.data.sample import Sample


@dataclass(frozen=True)
class Term:
    """Targets that a sample needs to train one loss term of a head.

    Attributes:
        targets: names of the targets that the term learns from.
        trains: like `PartialLabels.has_valid_labels`, for this term; None: all labels are valid.
    """

    targets: tuple[str, ...]
    trains: Callable[[Mapping[str, np.ndarray]], bool] | None = None


class PartialLabels:
    """Optional part of a head: datasets in which not every sample has every target.

    Attributes:
        targets: names of the targets that `encode` reads. Single samples may lack them (they then
            train nothing), but a loader refuses a dataset in which no sample has them. Empty:
            nothing is checked.
        terms: for a head whose loss terms learn from different targets: every term of `train` by
            name, with the targets it needs. Each term is then averaged over the samples that have
            its targets, and a sample with the targets of one term is labelled. Empty: every term
            needs all `targets`.
    """

    targets: tuple[str, ...] = ()
    terms: Mapping[str, Term] = MappingProxyType({})

    def is_labelled(self, sample: Sample) -> bool:
        """Whether the sample has all `targets`, or all targets of one of the `terms`."""
        needed = [term.targets for term in self.terms.values()] or [self.targets]
        return any(all(target in sample.targets for target in targets) for targets in needed)

    def has_valid_labels(self, labels: Mapping[str, np.ndarray]) -> bool:
        """Whether encoded labels hold anything to learn. Default: yes.

        For heads whose targets may be present but empty of information, e.g. all pixels void or
        an unknown class: such a sample counts as unlabelled.
        """
        return True

    def positives(self, labels: Mapping[str, np.ndarray]) -> int | None:
        """Number of anchors or cells in encoded labels that are assigned to an object.

        Training reports the sum over each epoch, and stops where there are objects but no
        positives. None (the default): the head does not learn single objects.
        """
        return None

    def objects(self, sample: Sample) -> int | None:
        """Number of objects in a transformed sample that the head could learn.

        Reported beside `positives`. None (the default): all boxes that are no crowds.

        Args:
            sample: a sample that is labelled for the head.
        """
        return None

    def filter_prediction(self, prediction: Any, targets: Mapping[str, np.ndarray]) -> Any:
        """Adjust a prediction before it is scored. Default: unchanged.

        For heads that predict more than some samples annotate, e.g. to drop the classes that a
        sample does not annotate.
        """
        return prediction
