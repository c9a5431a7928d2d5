"""Warn of masks that hold one class and the ignored value only."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from densefit.data.checks.sample import read_sample
from densefit.data.classes.class_lists import head_lists
from densefit.data.classes.class_occurrence import SET, counted, is_map
from densefit.data.sample import Dataset, Sample
from densefit.data.sample_id import dataset_key
from densefit.data.targets_present import looked_at_with
from densefit.once import first_time

_log = logging.getLogger("densefit")


def check_mask_values(
    dataset: Dataset, heads: Iterable[Any], examples: Mapping[str, Sequence[Sample]]
) -> None:
    """Warn if masks hold one class and 255 only, as two-class masks of 0 and 255 do.

    One sample with two classes passes, usually the first. Otherwise up to 8 samples are read,
    spread over the dataset.

    Args:
        dataset: dataset of the samples.
        heads: heads that train on the dataset.
        examples: head -> samples that have been read already.
    """
    for head in heads:
        for target, names in head_lists(head).items():
            if not is_map(target) or len(names) < 2:
                continue
            read_before = [
                sample.targets for sample in examples.get(head.name, ()) if target in sample.targets
            ]
            if not read_before or any(_classes(target, targets) > 1 for targets in read_before):
                continue
            read, ignored, classes = 0, 0, 0
            for index in looked_at_with(dataset, target):
                try:
                    targets = read_sample(dataset, index).targets
                except Exception:
                    continue  # a broken sample is reported, or skipped, in the epoch
                if target not in targets:
                    continue
                read += 1
                counts = counted(target, targets[target], 255)
                ignored += int(counts[-1])
                classes = max(classes, int((counts[:-1] > 0).sum()))
            key = dataset_key(dataset)
            if ignored and classes <= 1 and first_time("two values", head.name, target, key):
                _log.warning(
                    "head %r, target %r: %d masks were looked at, and hold no class but one beside "
                    "255, which is ignored: %s",
                    head.name,
                    target,
                    read,
                    SET,
                )


def _classes(target: str, targets: Mapping[str, Any]) -> int:
    return int((counted(target, targets[target], 255)[:-1] > 0).sum())
