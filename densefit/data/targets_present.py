"""Targets that a dataset has, by its annotations or by probing a few samples."""

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
    """Target names of a dataset.

    Attributes:
        names: target names seen so far.
        are_all: whether the names are complete: declared by the dataset, or all samples were read.
    """

    names: frozenset[str]
    are_all: bool


def targets_present(dataset: Dataset, required: Set[str] = frozenset()) -> TargetsPresent:
    """Target names of a dataset: declared by the dataset, else seen in up to 8 samples.

    Args:
        dataset: dataset to probe.
        required: targets for which up to 64 samples are read, until all have occurred.

    Raises:
        DataError: all probed samples are broken; the first one's error.
    """
    present = answer("held", dataset, _probed)
    if present.are_all or present.names >= required:
        return present
    return _looked_for(dataset, probe_indices(dataset, AT_MOST), required)


def _probed(dataset: Dataset) -> TargetsPresent:
    annotated = all_targets(dataset)
    if annotated is not None:
        return TargetsPresent(frozenset().union(*set(annotated)), True)
    return _looked_for(dataset, probe_indices(dataset))


def _looked_for(
    dataset: Dataset, indices: Sequence[int], required: Set[str] | None = None
) -> TargetsPresent:
    """Target names of some samples; stops once all `required` targets have occurred."""
    seen: set[str] = set()
    first: DataError | None = None
    broken, looked = 0, 0
    for index in indices:
        looked += 1
        try:
            seen.update(read_sample(dataset, index).targets)
        except Exception as error:  # a broken sample is reported, or skipped, when it is read
            broken += 1
            first = first or with_sample_id(error, "Reading", sample_id(dataset, index))
            first.__cause__ = first.__cause__ or error
        if required is not None and seen >= required:
            break
    if first is not None and broken == looked:
        raise first
    return TargetsPresent(frozenset(seen), looked == len(dataset) and not broken)


def targets_in(dataset: Dataset) -> frozenset[str]:
    """Target names seen in a dataset; see `targets_present`."""
    return targets_present(dataset).names


def probe_indices(dataset: Dataset, most: int = LOOKED_AT) -> list[int]:
    """Up to `most` indices, spread over a dataset; of a mixture, over each of its `parts`."""
    parts = getattr(dataset, "parts", {"": range(len(dataset))})
    indices = []
    for part in parts.values():
        last = len(part) - 1
        indices += [part[round(k * last / (most - 1))] for k in range(most)]
    return sorted(set(indices))


def looked_at_with(dataset: Dataset, target: str) -> list[int]:
    """Up to 8 indices, spread over samples with a target, or over all if not declared."""
    annotated = all_targets(dataset)
    if annotated is None:
        return probe_indices(dataset)
    last = sum(target in names for names in annotated) - 1
    if last < 0:
        return []
    numbers = {round(k * last / (LOOKED_AT - 1)) for k in range(LOOKED_AT)}
    matching = (index for index, names in enumerate(annotated) if target in names)
    return [index for number, index in enumerate(matching) if number in numbers]
