"""Masks in which nothing but the ignored value is beside one class."""

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
    """Log a warning where masks hold one class and 255 only, as two-class masks of 0 and 255 do.

    One sample with two classes is enough, and usually the first has them. Else up to 8 samples are
    read, spread over the dataset.

    Args:
        dataset: the samples.
        heads: that learn from it.
        examples: head -> some samples that were read already.
    """
    for head in heads:
        for target, names in head_lists(head).items():
            if not is_map(target) or len(names) < 2:
                continue
            known = [one.targets for one in examples.get(head.name, ()) if target in one.targets]
            if not known or any(_classes(target, own) > 1 for own in known):
                continue
            read, ignored, classes = 0, 0, 0
            for index in looked_at_with(dataset, target):
                try:
                    own = read_sample(dataset, index).targets
                except Exception:
                    continue  # what is broken is told, or skipped, in the epoch
                if target not in own:
                    continue
                read += 1
                counts = counted(target, own[target], 255)
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
