"""Targets of several samples as those of one picture, each target by its kind.

Only targets that all samples have are kept: of the others, a part of the new picture would lack
the truth. What cannot be merged (the class of a whole picture, say) is an error, unless it is told
that it is dropped; a head that learns it then learns nothing from the new picture.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import numpy as np

from densefit.data.classes.known_classes import is_known
from densefit.data.geometry.instance_map import NONE, UNKNOWN
from densefit.data.geometry.target_kinds import PER_OBJECT, kind_of
from densefit.data.sample import Geometry, LostGeometry, Sample
from densefit.errors import DataError

#: What is done with further samples before they are used.
Prepare = Callable[[Sample, np.random.Generator], Sample] | None
MAPS = ("map", "map_linear", "vectors")


def common(samples: Sequence[Sample], drop: Collection[str]) -> list[str]:
    """Names of the targets that all samples have, but for those in `drop`; per-box with boxes.

    What says which classes are known is not dropped: without it, all would be.
    """
    names = [
        name
        for name in samples[0].targets
        if (is_known(name) or name not in drop)
        and all(name in sample.targets for sample in samples)
    ]
    kinds = {name: kind_of(name, samples[0].targets[name]).name for name in names}
    if "boxes" in kinds.values():
        return names
    return [name for name in names if kinds[name] not in PER_OBJECT]


def agreed(samples: Sequence[Sample]) -> list[Sample]:
    """The samples, each of which knows the classes that all of them know.

    Of the others, a picture made of several shows objects that nobody marked.

    Raises:
        DataError: they tell of different numbers of classes.
    """
    names = {name for sample in samples for name in sample.targets if is_known(name)}
    common = {}
    for name in sorted(names):
        told = [np.asarray(one.targets[name]) for one in samples if name in one.targets]
        if len({array.shape for array in told}) > 1:
            raise DataError(
                f"Pictures that are put together have different classes: {name!r}",
                received=f"shapes {', '.join(str(array.shape) for array in told)}",
                where="samples " + ", ".join(repr(sample.id) for sample in samples),
                fix="bring their datasets to common classes: Mixture(..., classes=...)",
            )
        common[name] = np.logical_and.reduce(told)
    return [replace(one, targets={**one.targets, **common}) if common else one for one in samples]


def lost(sample: Sample, size: tuple[int, ...], why: str) -> LostGeometry:
    """The geometry of a picture that shows more than its original: it cannot be scored.

    Args:
        sample: what it was.
        size: (height, width) of what it became.
        why: it does, as the end of a sentence.
    """
    known = sample.geometry or Geometry.identity(*sample.image.shape[:2])
    return LostGeometry(known.size, (int(size[0]), int(size[1])), why)


def rows(arrays: Sequence[np.ndarray]) -> np.ndarray:
    """Rows of objects of several samples, one after the other, of the first one's type."""
    return np.concatenate(arrays).astype(arrays[0].dtype, copy=False)


def plain(name: str, samples: Sequence[Sample], where: str, either: bool) -> np.ndarray:
    """A target of the kind `plain` of a picture made of several.

    One that is the same in all stays. `labels` become 1 if one picture shows the class, -1
    (unknown) if none does and some may, else 0.

    Args:
        name: of the target.
        samples: what the picture is made of.
        where: what makes it.
        either: whether it shows all that they show, so that `labels` can be merged.

    Raises:
        DataError: it cannot be merged.
    """
    arrays = [np.asarray(sample.targets[name]) for sample in samples]
    if name == "labels" and either and len({array.shape for array in arrays}) == 1:
        stack = np.stack(arrays)
        return np.asarray(np.where((stack == 1).any(axis=0), 1, stack.min(axis=0)))
    # A picture of several has no one class, even if they are alike by chance.
    if name not in ("label", "labels") and all(np.array_equal(arrays[0], a) for a in arrays):
        return arrays[0]
    raise refusal(name, samples, where)


def refusal(name: str, samples: Sequence[Sample], where: str) -> DataError:
    """The error of a target that cannot be merged."""
    ids = ", ".join(repr(sample.id) for sample in samples)
    return DataError(
        f"The target {name!r} of several pictures cannot become that of one",
        received=f"samples {ids}",
        where=where,
        fix=f"drop=[{name!r}]: what learns it then learns nothing from such pictures; or leave "
        f"{where} out",
    )


def renumbered(samples: Sequence[Sample]) -> list[Sample]:
    """The samples with other ids of their instances, no two of which are the same.

    Raises:
        DataError: there are more than ids.
    """
    result, last = [], 0
    for sample in samples:
        targets = dict(sample.targets)
        there = np.zeros(UNKNOWN + 1, bool)
        for name in _WITH_IDS:
            there[targets.get(name, NONE)] = True
        there[[NONE, UNKNOWN]] = False
        ids = np.flatnonzero(there)
        if last + len(ids) >= UNKNOWN:
            raise DataError(
                "There are more objects in a picture than ids",
                expected=f"less than {UNKNOWN}",
                received=last + len(ids),
                where=f"sample {sample.id!r}",
            )
        table = np.arange(UNKNOWN + 1, dtype=np.uint16)
        table[ids] = last + 1 + np.arange(len(ids))
        for name in _WITH_IDS:
            if name in targets:
                targets[name] = table[targets[name]].astype(targets[name].dtype)
        last += len(ids)
        result.append(replace(sample, targets=targets))
    return result


_WITH_IDS = ("instances", "instance_ids")


def prepared(samples: Sequence[Sample], prepare: Prepare, rng: np.random.Generator) -> list[Sample]:
    """Further samples after what is done with each of them first."""
    return [sample if prepare is None else prepare(sample, rng) for sample in samples]
