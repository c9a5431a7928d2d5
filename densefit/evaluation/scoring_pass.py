"""Samples, targets and labelled heads of a scoring pass."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from densefit.errors import DataError
from densefit.evaluation.labels_seen import no_label


class ScoringPass:
    """Record of one pass over the data, and the checks that it was exact.

    Args:
        heads: names of the heads that are scored.
        where: purpose of the data, for error messages.

    Attributes:
        unlabelled: heads without a labelled sample so far.
    """

    def __init__(self, heads: Iterable[str], where: str) -> None:
        self._heads, self._where = frozenset(heads), where
        self._ids: set[str] = set()
        self._targets: set[str] = set()
        self.unlabelled = set(self._heads)

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, ids: Sequence[str], targets: Iterable[Mapping[str, Any]]) -> None:
        """Record samples and the names of their targets.

        Raises:
            DataError: a sample is repeated in this pass.
        """
        for key in ids:
            if key in self._ids:
                raise DataError(
                    f"The sample {key!r} came twice while scoring",
                    where=f"{self._where} data",
                    fix="ids must be unique, and no sampler may repeat one",
                )
            self._ids.add(key)
        self._targets.update(*targets)

    def state_dict(self) -> dict[str, Any]:
        """Return the samples and targets, for another process."""
        return {
            "ids": sorted(self._ids),
            "targets": sorted(self._targets),
            "unlabelled": sorted(self.unlabelled),
        }

    def merge(self, state: Mapping[str, Any]) -> None:
        """Add the samples of another process's pass.

        Raises:
            DataError: a sample is repeated.
        """
        self.add(state["ids"], [dict.fromkeys(state["targets"])])
        self.unlabelled &= set(state["unlabelled"])

    def check_complete(self, expected: int) -> None:
        """Raise DataError unless the number of samples equals the dataset's."""
        if len(self) != expected:
            raise DataError(
                f"{len(self)} of {expected} samples came while scoring",
                expected="every sample once",
                where=f"{self._where} data",
                fix="score with a loader that keeps its last batch and skips nothing",
            )

    def check_labelled(self, optional: Iterable[str]) -> None:
        """Raise DataError if no head was labelled, or a head that is not `optional` was not."""
        if self.unlabelled - set(optional) or self.unlabelled == self._heads:
            raise no_label(
                self.unlabelled,
                f"{self._where} data",
                received=f"the targets {sorted(self._targets)}",
            )
