"""Which classes a sample's annotations tell of, where they do not tell of all."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from densefit.data.class_map import ClassMap
from densefit.errors import DataError

#: Target whose numbers are classes -> target, (K,) bool over these classes, that says which of
#: them the sample would show if they were there. Without it, all.
KNOWN_CLASSES = {"classes": "known_classes", "mask": "known_mask_classes"}
#: Targets whose samples say of which classes they do not tell; `labels` do by themselves.
TOLD = (*KNOWN_CLASSES, "labels")
#: What a dataset tells of classes that it does not have: nothing, or that it shows none of them.
LACKINGS = ("unknown", "background")


def known_classes(
    targets: Mapping[str, np.ndarray], count: int, where: str, target: str = "classes"
) -> np.ndarray:
    """(count,) bool: of which classes a sample's annotations tell; of all by default.

    >>> known_classes({"known_classes": np.array([True, False])}, 2, "sample 'a'")
    array([ True, False])

    Args:
        targets: of the sample.
        count: classes of the head: all of the list, or the first of them.
        where: sample and head, for the error.
        target: whose numbers the classes are.

    Raises:
        DataError: it does not tell of that many.
    """
    name = KNOWN_CLASSES[target]
    if name not in targets:
        return np.ones(count, bool)
    known = np.asarray(targets[name])
    if known.dtype != np.bool_ or known.ndim != 1 or len(known) < count:
        raise DataError(
            f"The target {name!r} does not say of each class whether it is known",
            expected=f"shape ({count},) bool",
            received=f"shape {known.shape} {known.dtype}",
            where=where,
            fix="make the head with the mixture's classes",
        )
    return known[:count].copy()


def with_known(
    targets: Mapping[str, np.ndarray],
    own: Mapping[str, np.ndarray],
    maps: Mapping[str, ClassMap],
    lacking: str,
) -> dict[str, np.ndarray]:
    """A sample's targets in common classes, and which of these they do not tell of.

    Args:
        targets: in common classes already.
        own: the same as its dataset gave them.
        maps: target -> how its numbers changed.
        lacking: one of `LACKINGS`.
    """
    found = dict(targets)
    for target, change in maps.items():
        name = KNOWN_CLASSES.get(target)
        if name is not None:
            known = change.known(own.get(name))
            if lacking == "background":
                known |= ~change.known()
            if name in own or not known.all():
                found[name] = known
        elif np.ndim(found[target]) == 1 and lacking == "background":
            found[target] = np.where(change.known(), found[target], 0)
    return found
