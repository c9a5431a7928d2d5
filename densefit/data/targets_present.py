"""Which targets the samples of a dataset have, by its annotations or a look at a few samples."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

from densefit.data.annotated import all_targets, answer
from densefit.data.checks.sample import read_sample
from densefit.data.sample import Dataset
from densefit.data.sample_id import sample_id
from densefit.data.workers.errors import with_sample_id
from densefit.errors import DataError

LOOKED_AT = 8


AT_MOST = 64


@dataclass(frozen=True)
class TargetsPresent:
    """The names of the targets that a dataset has.

    Attributes:
        names: that are known.
        are_all: whether there are no others: as the dataset says, or since all samples were read.
    """

    names: frozenset[str]
    are_all: bool


def targets_present(dataset: Dataset, wanted: Set[str] = frozenset()) -> TargetsPresent:
    """The targets of a dataset: by its annotations, else as far as up to 8 samples tell.

    Args:
        dataset: that is looked at.
        wanted: targets for which up to 64 samples are looked at, until all of them came.

    Raises:
        DataError: all of these are broken: the first one's error.
    """
    held = answer("held", dataset, _held_by)
    if held.are_all or held.names >= wanted:
        return held
    return _looked_for(dataset, probe_indices(dataset, AT_MOST), wanted)


def _held_by(dataset: Dataset) -> TargetsPresent:
    annotated = all_targets(dataset)
    if annotated is not None:
        return TargetsPresent(frozenset().union(*set(annotated)), True)
    return _looked_for(dataset, probe_indices(dataset))


def _looked_for(
    dataset: Dataset, indices: Sequence[int], wanted: Set[str] | None = None
) -> TargetsPresent:
    """What some samples show, up to those that show all that is wanted."""
    found: set[str] = set()
    first: DataError | None = None
    broken, looked = 0, 0
    for index in indices:
        looked += 1
        try:
            found.update(read_sample(dataset, index).targets)
        except Exception as error:  # a broken sample is reported, or skipped, when it is read
            broken += 1
            first = first or with_sample_id(error, "Reading", sample_id(dataset, index))
            first.__cause__ = first.__cause__ or error
        if wanted is not None and found >= wanted:
            break
    if first is not None and broken == looked:
        raise first
    return TargetsPresent(frozenset(found), looked == len(dataset) and not broken)


def targets_in(dataset: Dataset) -> frozenset[str]:
    """Names of the targets that samples of a dataset are known to have; see `targets_present`."""
    return targets_present(dataset).names


def probe_indices(dataset: Dataset, most: int = LOOKED_AT) -> list[int]:
    """Up to `most` indices, spread over a dataset; of a mixture, over each of its `parts`."""
    parts = getattr(dataset, "parts", {"": range(len(dataset))})
    found = []
    for part in parts.values():
        last = len(part) - 1
        found += [part[round(k * last / (most - 1))] for k in range(most)]
    return sorted(set(found))


def looked_at_with(dataset: Dataset, target: str) -> list[int]:
    """Up to 8 places, spread over those that have a target, or over all where nobody says."""
    annotated = all_targets(dataset)
    if annotated is None:
        return probe_indices(dataset)
    own = [index for index, names in enumerate(annotated) if target in names]
    last = len(own) - 1
    return sorted({own[round(k * last / (LOOKED_AT - 1))] for k in range(LOOKED_AT)}) if own else []
