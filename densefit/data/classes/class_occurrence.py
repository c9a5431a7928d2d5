"""Which of a head's classes samples have, and what is said of those that none has."""

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
    """What of the classes of heads the samples of a pass have.

    Args:
        heads: whose classes are counted; others than ours have no names, and are left out.
    """

    def __init__(self, heads: Iterable[Any]) -> None:
        self._heads = {head.name: head for head in heads if head_lists(head)}
        self._counts: dict[str, dict[str, np.ndarray]] = {name: {} for name in self._heads}

    def take(self, found: Mapping[str, Counts]) -> None:
        """Add what a sample has, by head; see `classes_in`."""
        for name, targets in found.items():
            own = self._counts.get(name, {})
            for target, counts in targets.items():
                own[target] = own[target] + counts if target in own else counts

    def look(
        self, name: str, targets: Mapping[str, np.ndarray], match: TargetMapping | None
    ) -> None:
        """Add what a sample has of a head's classes, unless all have been seen already.

        Args:
            name: of the head.
            targets: of the sample.
            match: how its numbers become the head's.
        """
        if name in self._heads and not self.is_complete(name):
            found = targets if match is None else match(targets)
            self.take({name: classes_in(found, self._heads[name])})

    def is_complete(self, name: str) -> bool:
        """Whether all classes of a head have come: no further sample tells anything."""
        own, head = self._counts.get(name, {}), self._heads.get(name)
        return head is None or all(
            target in own
            and own[target][:-1].all()
            and (own[target][-1] or not _is_multilabel(head))
            for target in head_lists(head)
            if not is_points(target)
        )

    def tell(self, where: str, dataset: Any, role: str) -> None:
        """Log a line for each head that has classes which no sample had.

        Not again of the same data in the same role, nor where all of them are classes that the
        dataset was said to lack.

        Args:
            where: what the samples were, as the end of a sentence.
            dataset: that has them.
            role: "training" or "scoring".
        """
        key = dataset_key(dataset)
        for name, own in self._counts.items():
            lists = head_lists(self._heads[name])
            for target, counts in own.items():
                never = _is_multilabel(self._heads[name]) and counts.any() and not counts[-1]
                if never and first_time("no label says no", name, target):
                    _log.warning("head %r, target %r: %s in %s", name, target, _NO, where)
                names = lists[target]
                line = told(target, counts, names)
                absent = [one for one, count in zip(names, counts) if not count]
                if line is None or all(was_said("lacks", name, target, a, key) for a in absent):
                    continue
                if is_map(target) and was_said("two values", name, target, key):
                    continue
                if first_time("never", name, target, line, key, role):
                    _log.warning("head %r, target %r: %s in %s", name, target, line, where)


def told(target: str, counts: np.ndarray, names: list[str]) -> str | None:
    """What is to be said of classes that do not occur; None for nothing.

    >>> told("mask", np.array([10, 0, 30]), ["background", "cell"])[:50]
    "the only class is 'background', and 75 % of the pi"

    Args:
        target: that has them.
        counts: (K + 1,) of `counted`, over all samples.
        names: of the K classes.
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
    """Target -> (K + 1,) pixels, objects or pictures of each of a head's classes; last, ignored.

    Args:
        targets: of a sample, with the head's numbers.
        head: whose classes they are.
    """
    return {
        target: counted(target, targets[target], len(names))
        for target, names in head_lists(head).items()
        if target in targets and not is_points(target)
    }


def counted(target: str, value: Any, classes: int) -> np.ndarray:
    """(classes + 1,) int64: how often each class number comes; last, what is none of them.

    Of a yes or no for each class, the last one counts what says no.

    >>> counted("classes", np.array([0, 2, 2]), 3).tolist()
    [1, 0, 2, 0]
    >>> counted("labels", np.array([0, 1, -1]), 3).tolist()
    [0, 1, 0, 1]

    Args:
        target: that has them.
        value: class numbers, or 1 for each class that a picture shows.
        classes: how many there are.
    """
    value = np.asarray(value)
    found: np.ndarray = np.zeros(classes + 1, np.int64)
    if value.dtype == np.uint8 and value.ndim == 2 and value.size:
        whole = cv2.calcHist([np.ascontiguousarray(value)], [0], None, [256], [0, 256]).ravel()
        own = min(classes, IGNORE)
        found[:own] = whole[:own]
    elif value.ndim == 1 and not (target in KINDS and KINDS[target].name in PER_OBJECT):
        shown = np.flatnonzero(value[:classes] == 1)
        found[shown] = 1
        found[-1] = int((value[:classes] == 0).sum())
        return found
    else:
        numbers = value[(value >= 0) & (value < classes)].astype(np.int64).ravel()
        found[:classes] = np.bincount(numbers, minlength=classes)
    found[-1] = value.size - found.sum()
    return found


def _is_multilabel(head: Any) -> bool:
    """Whether the labels of a head say yes or no for each class."""
    return bool(getattr(head, "is_multilabel", False))


def is_map(target: str) -> bool:
    """Whether a target has a class for each pixel."""
    return target in KINDS and KINDS[target].name == "map"
