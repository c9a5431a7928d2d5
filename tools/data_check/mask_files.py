"""Read the masks of splits, scored ones first."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any

from densefit.data.classes.renamed_classes import RenamedClasses
from densefit.data.subset import Subset
from densefit.errors import DensefitError
from densefit.process.cpus import available_cpus
from densefit.tools.data_check.check import DataCheck
from densefit.tools.data_check.findings import as_data_error
from densefit.tools.data_check.split import ANNOTATION, SplitCheck

#: Seconds that a check reads masks for, unless it decodes all: 2,000 of 480 x 360 pixels.
MASK_SECONDS = 10.0
_AT_ONCE = 32  # masks in decoding threads


def read_masks(check: DataCheck) -> tuple[int, int]:
    """Read masks whose values are annotations, and note what is wrong with them.

    Scored splits come first: a broken mask of the test split would else be found after the last
    epoch. Of datasets without `mask_of`, nothing is read.

    Args:
        check: of the run; each broken mask becomes an error of its split.

    Returns:
        Number of masks that were read, and of all masks.
    """
    end = time.perf_counter() + MASK_SECONDS
    splits = sorted(check.splits.items(), key=lambda item: item[0] in check.train)
    with_masks = [split for _, split in splits if _reads_masks(split.dataset)]
    count = 0
    with ThreadPoolExecutor(available_cpus()) as pool:
        for split in with_masks:
            broken = split.broken
            indices = (index for index in range(len(split.dataset)) if index not in broken)
            for part in _parts(indices):
                if time.perf_counter() > end:
                    break
                errors = pool.map(lambda index, of=split: _error_of(of, index), part)
                split.errors[ANNOTATION].update(
                    (index, error) for index, error in zip(part, errors) if error is not None
                )
                count += len(part)
    return count, sum(len(split.dataset) for split in with_masks)


def print_unread(count: int, total: int) -> None:
    """Print how many masks were not read, if any."""
    if count < total:
        print(f"read {count:,} of {total:,} masks; --deep (data.check: deep) reads all")


def _reads_masks(dataset: Any) -> bool:
    """Whether a dataset reads masks alone; wrappers of a user may pass on other indices."""
    if isinstance(dataset, (RenamedClasses, Subset)):
        return _reads_masks(dataset.dataset)
    return hasattr(type(dataset), "mask_of")


def _parts(indices: Iterator[int]) -> Iterator[Sequence[int]]:
    while part := list(islice(indices, _AT_ONCE)):
        yield part


def _error_of(split: SplitCheck, index: int) -> DensefitError | None:
    dataset: Any = split.dataset
    try:
        dataset.mask_of(index)
    except Exception as error:
        return as_data_error(error, "Reading the mask")
    return None
