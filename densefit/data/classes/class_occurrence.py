"""Count the classes that samples have, and warn of classes that never occur."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

import cv2
import numpy as np

from densefit.data.classes.class_lists import head_lists, is_points
from densefit.data.classes.class_map import IGNORE
from densefit.data.classes.target_mapping import TargetMapping
from densefit.data.geometry.target_kinds import KINDS, PER_OBJECT
from densefit.data.sample_id import dataset_key
from densefit.once import first_time, was_said

_log = logging.getLogger("densefit")
_LISTED = 12  # names in a message
SET = (
    "if 255 is the foreground, say so: values={255: 1} of mask_folder (recipe: "
    "data.settings.values), or mask[mask == 255] = 1 in a dataset of your own"
)
_NO = (
    "no label says no (0), and nothing that is predicted can be wrong; if -1 says no, and not that "
    "nobody knows, write labels[labels == -1] = 0 in the dataset,"
)

Counts = Mapping[str, np.ndarray]


class ClassOccurrence:
    """Count how often the classes of heads occur in the samples of a pass.

    Args:
        heads: heads whose classes are counted; heads without class names are left out.
    """

    def __init__(self, heads: Iterable[Any]) -> None:
        self._heads = {head.name: head for head in heads if head_lists(head)}
        self._counts: dict[str, dict[str, np.ndarray]] = {name: {} for name in self._heads}

    def take(self, counts_by_head: Mapping[str, Counts]) -> None:
        """Add a sample's class counts, by head; see `classes_in`."""
        for name, targets in counts_by_head.items():
            totals = self._counts.get(name, {})
            for target, counts in targets.items():
                totals[target] = totals[target] + counts if target in totals else counts

    def look(
        self, name: str, targets: Mapping[str, np.ndarray], match: TargetMapping | None
    ) -> None:
        """Count a sample's classes for one head, unless all classes have occurred already.

        Args:
            name: name of the head.
            targets: the sample's targets.
            match: maps the targets to the head's classes.
        """
        if name in self._heads and not self.is_complete(name):
            mapped_targets = targets if match is None else match(targets)
            self.take({name: classes_in(mapped_targets, self._heads[name])})

    def is_complete(self, name: str) -> bool:
        """Whether all classes of a head have occurred, so that no further sample is needed."""
        totals, head = self._counts.get(name, {}), self._heads.get(name)
        return head is None or all(
            target in totals
            and totals[target][:-1].all()
            and (totals[target][-1] or not _is_multilabel(head))
            for target in head_lists(head)
            if not is_points(target)
        )

    def tell(self, where: str, dataset: Any, role: str) -> None:
        """Warn of each head's classes that no sample has.

        Logged once for a dataset and role, and not for classes that the dataset is already
        reported to lack.

        Args:
            where: description of the samples, as the end of a sentence.
            dataset: dataset of the samples.
            role: "training" or "scoring".
        """
        key = dataset_key(dataset)
        for name, totals in self._counts.items():
            lists = head_lists(self._heads[name])
            for target, counts in totals.items():
                never = _is_multilabel(self._heads[name]) and counts.any() and not counts[-1]
                if never and first_time("no label says no", name, target):
                    _log.warning("head %r, target %r: %s in %s", name, target, _NO, where)
                names = lists[target]
                line = absence_text(target, counts, names)
                absent = [label for label, count in zip(names, counts) if not count]
                if line is None or all(
                    was_said("lacks", name, target, lacked, key) for lacked in absent
                ):
                    continue
                if is_map(target) and was_said("two values", name, target, key):
                    continue
                if first_time("never", name, target, line, key, role):
                    _log.warning("head %r, target %r: %s in %s", name, target, line, where)


def absence_text(target: str, counts: np.ndarray, names: list[str]) -> str | None:
    """Describe the classes that never occur; None if all occur.

    >>> absence_text("mask", np.array([10, 0, 30]), ["background", "cell"])[:50]
    "the only class is 'background', and 75 % of the pi"

    Args:
        target: target of the classes.
        counts: (K + 1,) from `counted`, summed over all samples.
        names: names of the K classes.
    """
    absent = [name for name, count in zip(names, counts) if not count]
    if not absent:
        return None
    if is_map(target) and len(absent) >= len(names) - 1 and counts[-1]:
        share = counts[-1] / counts.sum()
        there = [name for name in names if name not in absent]
        only = f"the only class is {there[0]!r}" if there else "there is no class"
        return (
            f"{only}, and {share:.0%} of the pixels are 255, which is ignored".replace("%", " %")
            + f" (padding is, too; {SET}),"
        )
    more = f", ... ({len(absent)})" if len(absent) > _LISTED else ""
    some = ", ".join(absent[:_LISTED]) + more
    return f"{len(absent)} of {len(names)} classes never occur ({some})"


def classes_in(targets: Mapping[str, np.ndarray], head: Any) -> dict[str, np.ndarray]:
    """Count pixels, objects or images of each class: target -> (K + 1,), the last one ignored.

    Args:
        targets: a sample's targets, with the head's class indices.
        head: head that has the classes.
    """
    return {
        target: counted(target, targets[target], len(names))
        for target, names in head_lists(head).items()
        if target in targets and not is_points(target)
    }


def counted(target: str, value: Any, classes: int) -> np.ndarray:
    """Count class indices, (classes + 1,) int64; the last entry counts all other values.

    For multi-label targets, the last entry counts the negative labels.

    >>> counted("classes", np.array([0, 2, 2]), 3).tolist()
    [1, 0, 2, 0]
    >>> counted("labels", np.array([0, 1, -1]), 3).tolist()
    [0, 1, 0, 1]

    Args:
        target: name of the target.
        value: class indices, or a multi-label vector with 1 for each positive class.
        classes: number of classes.
    """
    value = np.asarray(value)
    occurrences: np.ndarray = np.zeros(classes + 1, np.int64)
    if value.dtype == np.uint8 and value.ndim == 2 and value.size:
        histogram = cv2.calcHist([np.ascontiguousarray(value)], [0], None, [256], [0, 256]).ravel()
        limit = min(classes, IGNORE)
        occurrences[:limit] = histogram[:limit]
    elif value.ndim == 1 and not (target in KINDS and KINDS[target].name in PER_OBJECT):
        positive = np.flatnonzero(value[:classes] == 1)
        occurrences[positive] = 1
        occurrences[-1] = int((value[:classes] == 0).sum())
        return occurrences
    else:
        numbers = value[(value >= 0) & (value < classes)].astype(np.int64).ravel()
        occurrences[:classes] = np.bincount(numbers, minlength=classes)
    occurrences[-1] = value.size - occurrences.sum()
    return occurrences


def _is_multilabel(head: Any) -> bool:
    """Whether a head's labels are multi-label: 1 or 0 for each class."""
    return bool(getattr(head, "is_multilabel", False))


def is_map(target: str) -> bool:
    """Whether a target holds one class per pixel."""
    return target in KINDS and KINDS[target].name == "map"
